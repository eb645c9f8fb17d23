// SPDX-License-Identifier: Apache-2.0
// Keeps the visible part of time and rows, the toggles and the colours; finds the target at a point of the canvas.

// ---- view: what part is seen, in which colours
const chart = byId('chart');
const AXIS = 26;  // height of the time axis, above the rows
const span = Math.max(...panels.map((p) => p.makespan), 1e-300);
const on = {critical: false, bubbles: false, sync: false, strips: false, difference: false};
const state = {
  hover: null, pick: null,  // targets: {panel, w, i} of a slot, {panel, w, reduction}, {panel, w, idle: [from, to]}
  found: null,              // the micro-batch that is followed
  time: null,               // the time that is stepped through
  current: 0,               // the panel that cards and memory speak of
};
const view = {from: 0, scale: 1, top: 0, pitch: 30, width: 800, height: 300, gutter: 60, dpr: 1};

const shownPanels = () => panels.filter((p) => p.shown);
const x = (time) => view.gutter + (time - view.from) * view.scale;
const timeAt = (px) => view.from + (px - view.gutter) / view.scale;
const headHeight = () => (panels.length > 1 ? Math.max(15, Math.min(26, view.pitch + 10)) : 6);

/// Where each shown panel stands: [head, rows, end) from the top of all rows, in pixels.
function blocks() {
  let at = 0;
  return shownPanels().map((panel) => {
    const head = at, rows = head + headHeight();
    at = rows + panel.workers * view.pitch + (panels.length > 1 ? 4 : 0);
    return {panel, head, rows, end: at};
  });
}
const contentHeight = () => { const all = blocks(); return all.length ? all[all.length - 1].end : 0; };
const rowCount = () => shownPanels().reduce((sum, p) => sum + p.workers, 0);

/// Keeps the view on the timelines: never wider than all of time, never past the last row.
function clampView() {
  const plot = Math.max(view.width - view.gutter - 10, 50);
  const shortest = Math.min(...panels.map((p) => p.tick));
  view.scale = Math.min(Math.max(view.scale, plot / span), Math.max(plot / shortest, plot / span));
  view.from = Math.min(Math.max(view.from, 0), span - plot / view.scale);
  view.pitch = Math.min(Math.max(view.pitch, lowestPitch()), 90);
  view.top = Math.max(0, Math.min(view.top, contentHeight() - (view.height - AXIS)));
}
function lowestPitch() {
  const rows = Math.max(rowCount(), 1);
  const room = view.height - AXIS - shownPanels().length * (panels.length > 1 ? 22 : 8);
  return Math.min(12, Math.max(room / rows, 0.02));
}
const pleasantPitch = () => (on.strips ? 62 : 38);

/// Everything at once, where rows can be that low; else rows that can be read, to scroll.
function fit() {
  measure();
  view.from = 0;
  view.scale = 0;
  view.top = 0;
  const rows = Math.max(rowCount(), 1);
  const room = view.height - AXIS - shownPanels().length * (panels.length > 1 ? 30 : 6);
  view.pitch = Math.min(Math.max(room / rows, rows > 400 ? 0 : panels.length > 1 ? 14 : 6), pleasantPitch());
  clampView();
  changed();
}
function resize() {
  const all = view.scale * span < (view.width - view.gutter) * 1.001;  // all of time was seen: it stays so
  measure();
  if (all) return fit();
  clampView();
  changed();
}

/// The canvas fills what the window has left, or less where all rows need less.
function measure() {
  view.width = Math.max(chart.clientWidth, 200);
  const workers = Math.max(...panels.map((p) => p.workers));
  view.gutter = Math.max((workers <= 100 && view.width > 600 ? 62 : 14) + 8 * String(workers - 1).length, 42);
  const above = chart.getBoundingClientRect().top + window.scrollY;
  const room = Math.max(window.innerHeight - above - 250, 260);
  const rows = rowCount() * pleasantPitch() + shownPanels().length * (panels.length > 1 ? 30 : 6);
  view.height = Math.round(Math.min(printing ? (panels.length > 4 ? 160 : 560) : room, rows + AXIS + 2));
  view.dpr = printing ? 2 : window.devicePixelRatio || 1;
  chart.style.height = view.height + 'px';
}

function zoom(factor, at = view.gutter + (view.width - view.gutter) / 2) {
  const fixed = timeAt(at);
  view.scale *= factor;
  clampView();
  view.from = fixed - (at - view.gutter) / view.scale;
  clampView();
  changed();
}
function zoomRows(factor, at = view.height / 2) {
  const fixed = (view.top + at - AXIS) / Math.max(contentHeight(), 1);
  view.pitch *= factor;
  clampView();
  view.top = fixed * contentHeight() - (at - AXIS);
  clampView();
  changed();
}
function pan(dx, dy) {
  view.from -= dx / view.scale;
  view.top -= dy;
  clampView();
  changed();
}

/// Brings a target into view.
function reveal({panel, w, i, idle}) {
  const [begin, end] = idle || (i >= 0 ? [panel.begin(i), panel.end(i)] : [view.from, view.from]);
  const plot = (view.width - view.gutter - 10) / view.scale;
  if (begin < view.from || end > view.from + plot) view.from = (begin + end - plot) / 2;
  const block = blocks().find((b) => b.panel === panel);
  if (block) {
    const row = block.rows + w * view.pitch, room = view.height - AXIS - view.pitch;
    if (row - headHeight() < view.top) view.top = row - headHeight();
    if (row > view.top + room) view.top = row - room;
  }
  clampView();
}

/// What is at a place of the canvas; null: nothing.
function targetAt(px, py) {
  if (px < view.gutter || py < AXIS) return null;
  const y = py - AXIS + view.top;
  const block = blocks().find((b) => y >= b.rows && y < b.rows + b.panel.workers * view.pitch);
  if (!block) return null;
  const {panel} = block, inRow = (y - block.rows) % view.pitch, rows = rowParts(panel);
  const w = Math.min(Math.floor((y - block.rows) / view.pitch), panel.workers - 1), time = timeAt(px);
  if (time < 0 || time > panel.makespan) return null;
  if (inRow >= rows.slots && inRow < rows.slots + rows.bar) {
    const reduction = reductionAt(panel, w, time);
    if (reduction >= 0) return {panel, w, i: -1, reduction};
  }
  const i = panel.slotAt(w, time, inRow > rows.slots / 2);
  return i >= 0 ? {panel, w, i} : {panel, w, i: -1, idle: idleAround(panel, w, time)};
}
function reductionAt(panel, w, time) {
  const r = panel.reductions, at = time / panel.quantum;
  for (let k = r.offsets[w]; k < r.offsets[w + 1]; ++k) if (r.begin[k] <= at && at < r.end[k]) return k;
  return -1;
}
function idleAround(panel, w, time) {
  const r = panel.rows, next = r.firstAfter(w, time / panel.quantum);
  return [next > r.offsets[w] ? panel.end(next - 1) : 0, next < r.offsets[w + 1] ? panel.begin(next) : panel.makespan];
}

/// Heights within a row: slots, the bar of reductions under them, the strip of live activations.
function rowParts(panel) {
  const p = view.pitch, gap = p >= 10 ? Math.min(4, p * 0.14) : p >= 4 ? 1 : 0;
  const bar = panel.reductions.size && p >= 8 ? Math.max(2.5, Math.min(6, p * 0.16)) : 0;
  const strip = on.strips && p >= 30 ? p * 0.36 : 0;
  return {slots: p - gap - bar - strip, bar, strip, gap};
}

// Colours: numbers of paints (data) to CSS, bytes and the ink of what is written on them.
let printing = false;
let theme = {};
const paints = {css: [], rgb: new Uint8Array(3 * PAINTS), dark: []};
const dark = () => !printing && document.documentElement.dataset.theme === 'dark';
const bytesOf = (css) => [1, 3, 5].map((k) => parseInt(css.slice(k, k + 2), 16));

function readColours() {
  const from = getComputedStyle(document.documentElement);
  for (const name of ['back', 'panel', 'ink', 'quiet', 'line', 'idle', 'hatch', 'bubble', 'sync', 'update', 'accent', 'needs'])
    theme[name] = from.getPropertyValue('--' + name).trim();
  const back = bytesOf(theme.back), faded = on.bubbles || on.sync;
  const set = (paint, css, fade) => {
    const rgb = bytesOf(css).map((c, k) => Math.round(fade ? 0.32 * c + 0.68 * back[k] : c));
    paints.rgb.set(rgb, 3 * paint);
    paints.css[paint] = `rgb(${rgb.join()})`;
    paints.dark[paint] = rgb[0] * 0.3 + rgb[1] * 0.59 + rgb[2] * 0.11 < 140;
  };
  input.hues.forEach(([forward, backward, inputs, weights], hue) =>
    [forward, backward, inputs, weights, forward].forEach((css, op) => set(hue * 5 + op, css, faded)));
  set(PAINT_UPDATE, theme.update, faded);
  set(PAINT_IDLE, on.bubbles ? theme.bubble : theme.idle, false);
  set(PAINT_SYNC, theme.sync, on.bubbles);
  const steps = ['#2166ac', '#4f90c6', '#92bfdf', '#cfdfeb', '#d8d8d8', '#f5d7bd', '#eca977', '#d9742f', '#a84a00'];
  steps.forEach((css, k) => set(DIFFERENCE + k, css, faded));
}
