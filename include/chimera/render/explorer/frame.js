// SPDX-License-Identifier: Apache-2.0
// Draws a frame: the rows of each panel with their slots, bubbles, reductions and live activations.

// ---- draw: a frame
const frames = Object.assign([], {total: 0});  // ms that the last frames took, for measurements
let asked = false;
function changed() {
  if (asked || printing) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; frame(); });
}
function frame() {
  const start = performance.now();
  const pending = drawChart(printing ? Infinity : start + limits.slice);
  drawMemory();
  ++frames.total;
  if (frames.push(performance.now() - start) > 2000) frames.shift();
  if (pending) changed();
}

function sharp(canvas, width, height, dpr) {
  const wide = Math.round(width * dpr), high = Math.round(height * dpr);
  if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
  const g = canvas.getContext('2d');
  g.setTransform(dpr, 0, 0, dpr, 0, 0);
  return g;
}

function drawChart(until) {
  const g = sharp(chart, view.width, view.height, view.dpr), all = seenBlocks();
  g.fillStyle = theme.back;
  g.fillRect(0, 0, view.width, view.height);
  const shapes = all.reduce((sum, b) => sum + countShapes(b, limits.shapes - sum), 0);
  view.single = shapes <= limits.shapes;
  const pending = !view.single && workOnPictures(all, until);
  for (const block of all) view.single ? drawRows(g, block) : drawPicture(g, block);
  for (const block of all) drawMarks(g, block);
  for (const block of all) { drawNames(g, block); drawHead(g, block); }
  drawAxis(g);
  drawTime(g);
  drawWindow(g);
  return pending;
}
const seenBlocks = () => blocks().filter((b) => b.end > view.top && b.head < view.top + view.height - AXIS);
function seenRows({panel, rows}) {
  const first = Math.max(0, Math.floor((view.top - rows) / view.pitch));
  return [first, Math.min(panel.workers, Math.ceil((view.top + view.height - AXIS - rows) / view.pitch))];
}
/// The slots of row w that are seen: from, to.
function seenSlots(panel, w) {
  const r = panel.rows, until = timeAt(view.width) / panel.quantum;
  let low = r.firstAfter(w, view.from / panel.quantum), high = r.offsets[w + 1];
  const first = low;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (r.begin[middle] < until) low = middle + 1; else high = middle;
  }
  return [first, low];
}
function countShapes(block, most) {
  const [first, last] = seenRows(block);
  let shapes = 0;
  for (let w = first; w < last && shapes <= most; ++w) {
    const [from, to] = seenSlots(block.panel, w);
    shapes += to - from;
  }
  return shapes;
}

function drawRows(g, block) {
  const {panel} = block, parts = rowParts(panel), [first, last] = seenRows(block);
  const right = Math.min(view.width, x(panel.makespan));
  for (let w = first; w < last; ++w) {
    const y = AXIS + block.rows + w * view.pitch - view.top, [from, to] = seenSlots(panel, w);
    g.fillStyle = on.bubbles ? theme.back : paints.css[PAINT_IDLE];
    g.fillRect(view.gutter, y, Math.max(0, right - view.gutter), parts.slots);
    if (!on.bubbles && parts.slots >= 8) hatch(g, view.gutter, y, right - view.gutter, parts.slots, theme.hatch);
    for (let i = from; i < to; ++i) drawSlot(g, panel, i, y, parts.slots);
    if (on.bubbles) drawBubbles(g, panel, w, y, parts.slots);
    if (parts.strip) drawStrip(g, panel, w, y + parts.slots + parts.bar + 1, parts.strip - 1);
  }
  drawReductions(g, block, parts, first, last);
}
function drawPicture(g, block) {
  showPicture(g, block);
  const parts = rowParts(block.panel), [first, last] = seenRows(block);
  if (!parts.gap) return;
  g.fillStyle = theme.back;
  for (let w = first; w < last; ++w) {
    const y = AXIS + block.rows + w * view.pitch - view.top;
    g.fillRect(view.gutter, y + parts.slots, view.width - view.gutter, view.pitch - parts.slots);
  }
  drawReductions(g, block, parts, first, last);
}

let hatching = null;
function hatch(g, left, top, width, height, colour) {
  if (width <= 0) return;
  if (!hatching || hatching.colour !== colour) {
    const tile = document.createElement('canvas');
    tile.width = tile.height = 8;
    const t = tile.getContext('2d');
    t.strokeStyle = colour;
    t.lineWidth = 1.2;
    for (const shift of [-8, 0, 8]) { t.beginPath(); t.moveTo(shift - 1, 9); t.lineTo(shift + 9, -1); t.stroke(); }
    hatching = {colour, pattern: g.createPattern(tile, 'repeat')};
  }
  g.fillStyle = hatching.pattern;
  g.fillRect(left, top, width, height);
}

/// Where a slot is drawn: left, top, width, height.
function slotBox(panel, i, y, high) {
  const left = Math.max(x(panel.begin(i)), view.gutter - 4), right = Math.min(x(panel.end(i)), view.width + 4);
  const half = high >= 6 ? panel.half(i) : 0, wide = right - left, edge = wide > 5 ? 0.5 : 0;
  return [left + edge, half === 2 ? y + high / 2 + 0.5 : y, Math.max(wide - 2 * edge, 0.6), half ? high / 2 - 0.5 : high];
}
function drawSlot(g, panel, i, y, high) {
  const [left, top, wide, tall] = slotBox(panel, i, y, high), paint = panel.paints[i];
  g.fillStyle = paints.css[paint];
  if (wide > 7 && tall > 7) { g.beginPath(); g.roundRect(left, top, wide, tall, 2); g.fill(); } else g.fillRect(left, top, wide, tall);
  if (panel.rows.op[i] === RECOMPUTE && wide > 4) hatch(g, left, top, wide, tall, theme.quiet);
  if (wide < 11 || tall < 9 || panel.rows.op[i] >= PASSES) return;
  const size = Math.min(13, tall * 0.68, wide * 0.62), text = microBatches(panel, i);
  const fits = Math.min(size, (wide - 2) / (0.58 * text.length));
  if (fits < 6) return;
  g.font = `${fits.toFixed(1)}px Helvetica, Arial, sans-serif`;
  g.textAlign = 'center';
  g.textBaseline = 'middle';
  g.fillStyle = paints.dark[paint] ? '#ffffff' : '#20242b';
  g.fillText(text, left + wide / 2, top + tall / 2 + 0.5);
}

function drawBubbles(g, panel, w, y, high) {
  const r = panel.rows, [from, to] = seenSlots(panel, w);
  const write = (begin, end) => {
    if (end - begin < 0.01 * panel.tick) return;
    const left = Math.max(x(begin), view.gutter), right = Math.min(x(end), view.width), text = shortTime(end - begin);
    g.fillStyle = theme.bubble;
    g.fillRect(left, y, right - left, high);
    if (high < 10 || right - left < 7 * text.length + 4) return;
    g.font = 'bold 11px Helvetica, Arial, sans-serif';
    g.textAlign = 'center';
    g.textBaseline = 'middle';
    g.fillStyle = '#20242b';
    g.fillText(text, (left + right) / 2, y + high / 2 + 0.5);
  };
  let free = from > r.offsets[w] ? panel.end(from - 1) : 0;
  for (let i = from; i < to; ++i) {
    write(free, panel.begin(i));
    free = Math.max(free, panel.end(i));
  }
  write(free, to < r.offsets[w + 1] ? panel.begin(to) : panel.makespan);
}

function drawReductions(g, block, parts, first, last) {
  const {panel} = block, r = panel.reductions;
  if (!r.size || !parts.bar) return;
  const tall = on.sync ? parts.slots * 0.5 + parts.bar : parts.bar - 0.5;
  for (let w = first; w < last; ++w) {
    const bottom = AXIS + block.rows + w * view.pitch - view.top + parts.slots + parts.bar;
    for (let k = r.offsets[w]; k < r.offsets[w + 1]; ++k) {
      const left = Math.max(x(r.begin[k] * panel.quantum), view.gutter), right = Math.min(x(r.end[k] * panel.quantum), view.width);
      if (right < view.gutter || left > view.width) continue;
      const wide = Math.max(right - left, on.sync ? 2 : 1);
      g.fillStyle = paints.css[PAINT_SYNC];
      g.fillRect(left, bottom - tall, wide, tall);
      if (!on.sync || wide < 16 || tall < 10) continue;
      g.font = '10px Helvetica, Arial, sans-serif';
      g.textAlign = 'left';
      g.textBaseline = 'middle';
      g.fillStyle = paints.dark[PAINT_SYNC] ? '#ffffff' : '#20242b';
      g.fillText(wide > 52 ? 'stage ' + r.stage[k] : 's' + r.stage[k], left + 3, bottom - tall / 2, wide - 4);
    }
  }
}

/// Adds the seen part of a worker's live activations to the path: at most a vertical line for each pixel. Returns where it ends.
function traceCurve(g, panel, w, px, level, width) {
  const {times, live} = activations(panel, w);
  let at = Math.max(0, upperBound(times, view.from) - 1), column = Math.round(px(Math.max(times[at], view.from)));
  let low = live[at], high = low, last = low;
  g.moveTo(column, level(last));
  for (++at; at < times.length && column < width; ++at) {
    const next = Math.round(px(times[at]));
    if (next > column) {
      if (low < last || high > last) { g.lineTo(column, level(low)); g.lineTo(column, level(high)); g.lineTo(column, level(last)); }
      g.lineTo(next, level(last));
      column = next;
      low = high = last;
    }
    last = live[at];
    low = Math.min(low, last);
    high = Math.max(high, last);
  }
  for (const value of [low, high, last]) g.lineTo(column, level(value));
  if (column < width) g.lineTo(column = px(panel.makespan), level(last));
  return column;
}
function upperBound(sorted, value) {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1; else high = middle;
  }
  return low;
}

/// Live activations as an area: full height is the panel's peak.
function drawStrip(g, panel, w, top, high) {
  const peak = Math.max(panel.peak, 1e-9);
  g.save();
  g.beginPath();
  g.rect(view.gutter, top, view.width - view.gutter, high);
  g.clip();
  g.beginPath();
  const right = traceCurve(g, panel, w, x, (value) => top + high * (1 - value / peak), view.width);
  g.lineTo(right, top + high);
  g.lineTo(x(Math.max(view.from, 0)), top + high);
  g.closePath();
  g.globalAlpha = 0.35;
  g.fillStyle = theme.accent;
  g.fill();
  g.restore();
}
