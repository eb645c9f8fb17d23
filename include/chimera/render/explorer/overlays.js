// SPDX-License-Identifier: Apache-2.0
// Draws what lies over and around the rows: marked slots, arrows of dependencies, names, the time axis, the memory
// curve.

// ---- marks: over and around the rows
/// The slots of a panel that stand out while all others fade, with a line through them; null: none does.
function marked(panel) {
  if (state.found !== null) return (panel.path && panel.path.of === state.found ? panel.path : (panel.path = Object.assign(pathOf(panel, state.found), {of: state.found})));
  return on.critical ? panel.chain : null;
}
const rowTop = (block, w) => AXIS + block.rows + w * view.pitch - view.top;

function drawMarks(g, block) {
  const {panel} = block, slots = marked(panel), parts = rowParts(panel);
  g.save();
  g.beginPath();
  g.rect(view.gutter, AXIS, view.width - view.gutter, view.height - AXIS);
  g.clip();
  if (slots) {
    g.globalAlpha = 0.78;
    g.fillStyle = theme.back;
    g.fillRect(view.gutter, rowTop(block, 0), view.width, panel.workers * view.pitch);
    g.globalAlpha = 1;
    drawChain(g, block, slots, parts);
  }
  const target = state.hover || state.pick;
  if (target && target.panel === panel) drawTarget(g, block, target, parts);
  if (state.pick && state.pick !== target && state.pick.panel === panel && state.pick.i >= 0) outline(g, block, state.pick.i, theme.ink, 2, parts);
  g.restore();
}

function drawChain(g, block, slots, parts) {
  const {panel} = block, r = panel.rows, centre = (i) => [(x(panel.begin(i)) + x(panel.end(i))) / 2, rowTop(block, r.worker(i)) + parts.slots / 2];
  const seen = (i) => x(panel.end(i)) >= view.gutter && x(panel.begin(i)) <= view.width;
  const line = () => {
    g.beginPath();
    let before = -1;
    for (const i of slots) {
      const weight = r.op[i] === WEIGHT || r.op[i] === RECOMPUTE;  // not on the way through the stages
      if (weight && state.found !== null) continue;
      if (before >= 0 && (seen(i) || seen(before))) { g.moveTo(...centre(before)); g.lineTo(...centre(i)); }
      before = i;
    }
    g.stroke();
  };
  g.strokeStyle = theme.ink;
  g.lineWidth = 1.2;
  line();
  for (const i of slots) {
    if (!seen(i)) continue;
    const y = rowTop(block, r.worker(i));
    if (y + parts.slots < AXIS || y > view.height) continue;
    if (parts.slots >= 6) { drawSlot(g, panel, i, y, parts.slots); continue; }
    g.fillStyle = paints.css[panel.paints[i]];
    g.fillRect(x(panel.begin(i)), y - 1, Math.max(x(panel.end(i)) - x(panel.begin(i)), 2), Math.max(parts.slots, 2));
  }
}

function outline(g, block, i, colour, width, parts) {
  const y = rowTop(block, block.panel.rows.worker(i));
  const [left, top, wide, tall] = slotBox(block.panel, i, y, Math.max(parts.slots, 2));
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.strokeRect(left - 0.5, top - 0.5, Math.max(wide + 1, 3), Math.max(tall + 1, 3));
}

/// The slot under the pointer or picked, with arrows from what it waits for and to what needs it.
function drawTarget(g, block, target, parts) {
  const {panel} = block;
  if (target.i < 0) {
    if (!target.idle) return;
    const y = rowTop(block, target.w), [from, to] = target.idle;
    g.strokeStyle = theme.ink;
    g.lineWidth = 1.5;
    g.setLineDash([4, 3]);
    g.strokeRect(x(from) + 1, y + 1, Math.max(x(to) - x(from) - 2, 1), Math.max(parts.slots - 2, 1));
    g.setLineDash([]);
    return;
  }
  for (const j of waitsFor(panel, target.i)) arrow(g, block, j, target.i, j, theme.accent, [], parts);
  for (const j of neededBy(panel, target.i)) arrow(g, block, target.i, j, j, theme.needs, [5, 3], parts);
  outline(g, block, target.i, theme.ink, 2.5, parts);
}
/// From a slot to another, of which `other` gets an outline.
function arrow(g, block, from, to, other, colour, dash, parts) {
  const {panel} = block, r = panel.rows, wf = r.worker(from), wt = r.worker(to);
  g.setLineDash(dash);
  outline(g, block, other, colour, 2, parts);
  if (wf !== wt) {
    const down = wt > wf, inset = (i) => Math.min(9, (x(panel.end(i)) - x(panel.begin(i))) / 3);
    const x0 = x(panel.end(from)) - inset(from), y0 = rowTop(block, wf) + (down ? parts.slots : 0);
    const x1 = x(panel.begin(to)) + inset(to), y1 = rowTop(block, wt) + (down ? 0 : parts.slots), bend = (y1 - y0) * 0.6;
    g.beginPath();
    g.moveTo(x0, y0);
    g.bezierCurveTo(x0, y0 + bend, x1, y1 - bend, x1, y1);
    g.stroke();
    g.setLineDash([]);
    g.beginPath();
    g.moveTo(x1, y1 + (down ? 6 : -6));
    g.lineTo(x1 - 4.5, y1 + (down ? -2 : 2));
    g.lineTo(x1 + 4.5, y1 + (down ? -2 : 2));
    g.fillStyle = colour;
    g.fill();
  }
  g.setLineDash([]);
}

function drawNames(g, block) {
  const {panel} = block, [first, last] = seenRows(block), parts = rowParts(panel);
  g.fillStyle = theme.back;
  g.fillRect(0, rowTop(block, 0), view.gutter - 4, panel.workers * view.pitch);
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((n) => n * view.pitch >= 14) || 10000;
  const long = view.gutter > 62;
  g.font = '12px Helvetica, Arial, sans-serif';
  g.textAlign = 'right';
  g.textBaseline = 'middle';
  const target = state.hover || state.pick;
  for (let w = Math.ceil(first / every) * every; w < last; w += every) {
    const here = target && target.panel === panel && target.w === w;
    g.fillStyle = here ? theme.ink : theme.quiet;
    g.fillText((long ? 'worker ' : '') + w, view.gutter - 8, rowTop(block, w) + Math.max(parts.slots / 2, 6));
  }
}

function drawHead(g, block) {
  if (panels.length === 1) return;
  const {panel} = block, high = headHeight();
  const top = Math.min(Math.max(AXIS + block.head - view.top, AXIS), AXIS + block.end - view.top - high);
  g.fillStyle = theme.back;
  g.fillRect(0, top, view.width, high);
  const size = Math.min(13, high - 4);
  g.textAlign = 'left';
  g.textBaseline = 'middle';
  g.fillStyle = theme.ink;
  g.font = `bold ${size}px Helvetica, Arial, sans-serif`;
  g.fillText(panel.title, 8, top + high / 2);
  const wide = g.measureText(panel.title).width;
  g.font = `${size - 1}px Helvetica, Arial, sans-serif`;
  g.fillStyle = theme.quiet;
  let text = headText(panel);
  while (text.includes(' · ') && 22 + wide + g.measureText(text).width > view.width) text = text.slice(0, text.lastIndexOf(' · '));
  g.fillText(text, 18 + wide, top + high / 2);
}
const headText = (panel) => `makespan ${longTime(panel.makespan)}${againstText(panel)} · bubbles ${percent(panel.bubble_ratio)} · peak ${trim(panel.peak, 3)} activations`;

/// The distance of an axis' ticks for at least 70 pixels between them: 1, 2 or 5 times a power of ten.
function axisStep() {
  const rough = 70 / view.scale, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((n) => n * power >= rough * 0.999);
  return input.unit === 'ticks' ? Math.max(step, 1) : step;
}
function drawAxis(g) {
  g.fillStyle = theme.panel;
  g.fillRect(0, 0, view.width, AXIS - 2);
  const step = axisStep(), last = Math.min(timeAt(view.width), span * (1 + 1e-9));
  g.font = '11px Helvetica, Arial, sans-serif';
  g.textBaseline = 'middle';
  g.fillStyle = theme.quiet;
  g.textAlign = 'right';
  const {unit, factor} = timeUnit(span);
  g.fillText(unit, view.gutter - 14, AXIS / 2 - 2);
  g.textAlign = 'center';
  g.strokeStyle = theme.quiet;
  g.lineWidth = 1;
  const decimals = Math.max(0, Math.min(12, Math.ceil(-Math.log10(step * factor) - 1e-9)));
  for (let k = Math.ceil(view.from / step - 1e-9); k * step <= last; ++k) {
    const px = x(k * step);
    g.beginPath();
    g.moveTo(px, AXIS - 6);
    g.lineTo(px, AXIS - 2);
    g.stroke();
    g.fillText((k * step * factor).toFixed(decimals), Math.min(Math.max(px, view.gutter), view.width - 14), AXIS / 2 - 2);
  }
}

function drawTime(g) {
  if (state.time === null) return;
  const px = x(state.time);
  if (px < view.gutter || px > view.width) return;
  g.strokeStyle = theme.sync;
  g.lineWidth = 1.5;
  g.beginPath();
  g.moveTo(px, 4);
  g.lineTo(px, view.height);
  g.stroke();
}

/// Thin bars at the edges: which part of time and of the rows is seen.
function drawWindow(g) {
  const plot = view.width - view.gutter, wide = plot / view.scale, rows = contentHeight(), room = view.height - AXIS;
  g.fillStyle = theme.accent;
  if (wide < span * 0.98) g.fillRect(view.gutter + plot * view.from / span, AXIS - 2, Math.max(plot * wide / span, 6), 2);
  if (rows > room + 1) g.fillRect(view.width - 4, AXIS + room * view.top / rows, 4, Math.max(room * room / rows, 6));
}

// The memory of one worker, of the current timeline and the one it is compared with, under the same time axis.
const memory = byId('memory');
function drawMemory() {
  if (printing || !memory.clientWidth) return;
  const wide = memory.clientWidth, high = 132, g = sharp(memory, wide, high, view.dpr), base = high - 6, left = 46;
  memory.style.height = high + 'px';
  const target = state.hover || state.pick, w = target ? target.w : 0;
  const now = target ? target.panel : panels[state.current];
  const all = [now, ...panels.filter((p) => p !== now && p.shown && (p.index === now.against || p.against === now.index))];
  const peak = Math.max(...all.map((p) => p.peak), 1e-9), level = (value) => base - (base - 8) * value / peak;
  const ratio = (wide - left - 6) / Math.max(view.width - view.gutter, 1), px = (time) => left + (x(time) - view.gutter) * ratio;
  g.fillStyle = theme.back;
  g.fillRect(0, 0, wide, high);
  g.font = '11px Helvetica, Arial, sans-serif';
  g.textAlign = 'right';
  g.textBaseline = 'middle';
  const marks = peak <= 8 && Number.isInteger(peak) ? 1 : 2;
  for (const value of marks === 1 ? Array.from({length: peak + 1}, (_, k) => k) : [0, peak / 2, peak]) {
    g.fillStyle = theme.line;
    g.fillRect(left, Math.round(level(value)), wide - left, 1);
    g.fillStyle = theme.quiet;
    g.fillText(trim(value, 2), left - 6, level(value));
  }
  g.save();
  g.beginPath();
  g.rect(left, 0, wide - left, high);
  g.clip();
  all.forEach((panel, k) => {
    if (w >= panel.workers) return;
    g.beginPath();
    const right = traceCurve(g, panel, w, px, level, wide);
    g.strokeStyle = k === 0 ? theme.accent : theme.needs;
    g.setLineDash(k === 0 ? [] : [5, 3]);
    g.lineWidth = 2;
    g.stroke();
    if (k > 0) return;
    g.lineTo(right, base);
    g.lineTo(left, base);
    g.globalAlpha = 0.18;
    g.fillStyle = theme.accent;
    g.fill();
    g.globalAlpha = 1;
  });
  g.setLineDash([]);
  const at = state.time !== null ? state.time : target && target.i >= 0 ? target.panel.begin(target.i) : null;
  if (at !== null) { g.fillStyle = theme.sync; g.fillRect(px(at), 0, 1.5, high); }
  g.restore();
  const title = `Live activations on worker ${w}: ${all.filter((p) => w < p.workers).map((p) => (panels.length > 1 ? p.title + ' ' : '') + 'peak ' + trim(activations(p, w).peak, 3)).join(', ')}`;
  if (byId('memory-title').textContent !== title) byId('memory-title').textContent = title;
}
