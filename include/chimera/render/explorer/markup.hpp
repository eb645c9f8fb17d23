// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace chimera::explorer {

/// What stands in the page's head beside its title. The policy forbids the page to load anything from anywhere.
inline constexpr std::string_view head = R"page(<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
)page";

/// The page between its heading and its tables.
inline constexpr std::string_view markup = R"page(</header>
<noscript><p>The timelines are drawn by a script, which this browser does not run. The numbers are below.</p></noscript>
<dl id="cards" aria-label="Metrics"></dl>
<div id="families" role="group" aria-label="Timelines shown" hidden></div>
<div id="tools" role="toolbar" aria-label="View">
  <span class="group">
    <button id="out" aria-label="Zoom out" title="Zoom out (-)">−</button>
    <button id="in" aria-label="Zoom in" title="Zoom in (+)">+</button>
    <button id="fit" title="Show everything (0)">Fit</button>
  </span>
  <span class="group">
    <button id="slot-back" aria-label="Slot before" title="Slot before (←)">◂ slot</button>
    <button id="slot-on" aria-label="Slot after" title="Slot after (→)">slot ▸</button>
  </span>
  <span class="group">
    <button id="tick-back" aria-label="Back by one tick" title="Back by one tick (,)">◂ tick</button>
    <button id="tick-on" aria-label="On by one tick" title="On by one tick (.)">tick ▸</button>
    <button id="play" aria-pressed="false" title="Let time run (Space)">Play</button>
  </span>
  <span class="group">
    <button id="critical" aria-pressed="false" title="The chain of slots that determines the makespan (C)">Critical path</button>
    <button id="bubbles" aria-pressed="false" title="Idle time (B)">Bubbles</button>
    <button id="sync" aria-pressed="false" title="Gradient reductions (S)">Synchronisation</button>
    <button id="strips" aria-pressed="false" title="Live activations under each row (M)">Memory</button>
    <button id="difference" aria-pressed="false" title="Slots coloured by measured against predicted durations (D)">Difference</button>
  </span>
  <label>Micro-batch <input id="search" type="search" inputmode="numeric" placeholder="number" title="Follow a micro-batch (/)"></label>
  <span class="group">
    <button id="theme" title="Light or dark (T)">Dark</button>
    <button id="keys" aria-label="Keys" title="Keys (?)">?</button>
  </span>
</div>
<canvas id="chart" tabindex="0" role="application" aria-roledescription="timeline" aria-label="Timeline" aria-describedby="hint"></canvas>
<div id="paper"></div>
<p id="hint" class="unseen">Arrow keys go from slot to slot and from worker to worker; each slot is read out. A question mark lists all keys.</p>
<p id="say" class="unseen" aria-live="polite"></p>
<p id="status"></p>
<ul id="legend" aria-label="Legend"></ul>
<section id="details" aria-label="Slot">
  <div id="what"></div>
  <div><h2 id="memory-title"></h2><canvas id="memory" role="img" aria-label="Live activations"></canvas></div>
</section>
<div id="tip" hidden></div>
<dialog id="help" aria-label="Keys"><h2>Keys and pointer</h2><table><tbody>
<tr><td><kbd>←</kbd> <kbd>→</kbd></td><td>slot before, slot after on the worker</td></tr>
<tr><td><kbd>↑</kbd> <kbd>↓</kbd></td><td>worker above, below (and on to the next timeline)</td></tr>
<tr><td><kbd>Home</kbd> <kbd>End</kbd></td><td>first, last slot of the worker</td></tr>
<tr><td><kbd>W</kbd> <kbd>N</kbd></td><td>to what the slot waited for, to what needs it</td></tr>
<tr><td><kbd>,</kbd> <kbd>.</kbd> <kbd>Space</kbd></td><td>back and on by one tick; let time run</td></tr>
<tr><td><kbd>+</kbd> <kbd>-</kbd> <kbd>0</kbd>, wheel</td><td>zoom in time; all of it</td></tr>
<tr><td><kbd>[</kbd> <kbd>]</kbd>, <kbd>Ctrl</kbd> wheel</td><td>lower, higher rows</td></tr>
<tr><td><kbd>Shift</kbd> arrows, drag</td><td>pan (wheel over the workers' names: up and down)</td></tr>
<tr><td><kbd>C</kbd> <kbd>B</kbd> <kbd>S</kbd> <kbd>M</kbd> <kbd>D</kbd></td><td>critical path, bubbles, synchronisation, memory, difference</td></tr>
<tr><td><kbd>1</kbd> … <kbd>9</kbd></td><td>show or hide a timeline</td></tr>
<tr><td><kbd>/</kbd> <kbd>Esc</kbd></td><td>follow a micro-batch; let go of everything</td></tr>
<tr><td><kbd>T</kbd> <kbd>?</kbd></td><td>light or dark; these keys</td></tr>
</tbody></table><form method="dialog"><button>Close</button></form></dialog>
)page";

}  // namespace chimera::explorer
