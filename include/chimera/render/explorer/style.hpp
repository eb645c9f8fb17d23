// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace chimera::explorer {

/// The page's style sheet: light or dark as the reader's system is, or as chosen on the page, and for paper.
inline constexpr std::string_view style = R"page(<style>
:root {
  --back: #ffffff; --panel: #f6f7f9; --ink: #20242b; --quiet: #5b6472; --line: #d5d9e0; --idle: #eceef1; --hatch: #d9dce1;
  --bubble: #f2b705; --sync: #c43a5e; --update: #2b2f36; --accent: #0b62a8; --on-accent: #ffffff; --needs: #7a3fb0;
  color-scheme: light;
}
:root[data-theme=dark] {
  --back: #14171c; --panel: #1d2128; --ink: #e6e9ee; --quiet: #a2abb8; --line: #363d48; --idle: #232831; --hatch: #323945;
  --bubble: #d9a400; --sync: #f0688a; --update: #e6e9ee; --accent: #6cb6f2; --on-accent: #10141a; --needs: #c79bf0;
  color-scheme: dark;
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; padding: 14px 18px 24px; background: var(--back); color: var(--ink); font: 14px/1.4 Helvetica, Arial, sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 14px; }
h1 { margin: 0; font-size: 20px; }
h2 { margin: 0 0 4px; font-size: 14px; }
p { margin: 0; }
#note { color: var(--quiet); }
#cards { display: flex; flex-wrap: wrap; gap: 4px 26px; margin: 8px 0 10px; }
#cards dt { color: var(--quiet); font-size: 12px; }
#cards dd { margin: 0; font-size: 17px; font-weight: bold; font-variant-numeric: tabular-nums; white-space: nowrap; }
#cards small { font-size: 12px; font-weight: normal; color: var(--quiet); }
#families { display: flex; flex-wrap: wrap; gap: 4px; margin: 0 0 8px; max-height: 92px; overflow-y: auto; padding: 2px; }
#tools { display: flex; flex-wrap: wrap; gap: 6px 10px; align-items: center; margin: 0 0 8px; }
.group { display: flex; flex-wrap: wrap; }
button { font: inherit; color: var(--ink); background: var(--panel); border: 1px solid var(--line); border-radius: 5px; padding: 3px 9px; min-height: 28px; cursor: pointer; }
.group button { border-radius: 0; margin-left: -1px; }
.group button:first-child { border-radius: 5px 0 0 5px; margin-left: 0; }
.group button:last-child { border-radius: 0 5px 5px 0; }
.group button:only-child { border-radius: 5px; }
button:hover { border-color: var(--accent); }
button[aria-pressed=true] { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
#families button { font-size: 13px; padding: 1px 8px; min-height: 24px; }
#families button[aria-pressed=false] { text-decoration: line-through; color: var(--quiet); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; position: relative; z-index: 1; }
#tools label { color: var(--quiet); }
#search { font: inherit; color: var(--ink); background: var(--back); border: 1px solid var(--line); border-radius: 5px; width: 7.5em; min-height: 28px; padding: 2px 8px; }
#chart, #memory { display: block; width: 100%; touch-action: none; }
#chart { border: 1px solid var(--line); border-radius: 5px; cursor: crosshair; }
#chart.dragging { cursor: grabbing; }
#status { min-height: 20px; margin: 6px 0; color: var(--quiet); font-variant-numeric: tabular-nums; }
#legend { display: flex; flex-wrap: wrap; gap: 3px 18px; margin: 0 0 10px; padding: 0; list-style: none; font-size: 13px; }
#legend i { display: inline-block; width: 15px; height: 11px; border-radius: 2px; margin-right: 3px; vertical-align: -1px; }
#details { display: grid; grid-template-columns: 1fr 1fr; gap: 24px; border-top: 1px solid var(--line); padding-top: 10px; min-height: 178px; }
#what ul { margin: 2px 0 6px; padding: 0; list-style: none; }
#what li button { padding: 0 6px; min-height: 22px; margin: 1px 0; text-align: left; font-size: 13px; }
#what h3 { margin: 6px 0 0; font-size: 12px; color: var(--quiet); font-weight: normal; }
#tip { position: fixed; z-index: 5; pointer-events: none; max-width: 340px; background: var(--panel); color: var(--ink); border: 1px solid var(--line); border-radius: 5px; padding: 6px 10px; box-shadow: 0 3px 12px #0004; font-size: 13px; white-space: pre-line; }
#tip b { display: block; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
#numbers { border-top: 1px solid var(--line); margin-top: 14px; padding-top: 6px; overflow-x: auto; display: flex; flex-wrap: wrap; gap: 4px 44px; align-items: flex-start; }
#numbers > p { max-width: 60em; flex-basis: 100%; color: var(--quiet); }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: bold; padding: 4px 8px; }
th, td { padding: 3px 8px; border-bottom: 1px solid var(--line); text-align: right; }
th { font-weight: normal; color: var(--quiet); }
th:first-child, td:first-child { text-align: left; }
dialog { color: var(--ink); background: var(--back); border: 1px solid var(--line); border-radius: 8px; max-width: 640px; padding: 16px 22px; }
dialog::backdrop { background: #0008; }
dialog td { text-align: left; }
dialog form { margin-top: 12px; }
kbd { font: 12px/1.3 Menlo, Consolas, monospace; border: 1px solid var(--line); border-bottom-width: 2px; border-radius: 4px; padding: 1px 5px; background: var(--panel); white-space: nowrap; }
@media (max-width: 760px) {
  body { padding: 10px; }
  #details { grid-template-columns: 1fr; }
  #cards { gap: 4px 16px; }
  #cards dd { font-size: 15px; }
}
@media print {
  @page { size: landscape; margin: 11mm; }
  body { padding: 0; font-size: 11px; }
  #chart, #tools, #families, #status, #details, #tip, dialog { display: none !important; }
  #paper canvas { display: block; width: 100%; break-inside: avoid; margin-bottom: 6px; }
  #legend i { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  #numbers { display: block; overflow: visible; }
  table { font-size: 10px; margin-bottom: 10px; }
  thead { display: table-header-group; }
  tr { break-inside: avoid; }
}
</style>
)page";

}  // namespace chimera::explorer
