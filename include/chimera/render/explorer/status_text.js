// SPDX-License-Identifier: Apache-2.0
// Writes times, slots, bubbles and reductions in words: for the pointer, the panel under the rows and screen
// readers. All text enters the page as text, never as markup.

// ---- words: everything as text
const trim = (value, decimals) => String(Number(value.toFixed(decimals)));
const percent = (ratio) => trim(100 * ratio, 1) + ' %';
function timeUnit(of) {
  if (input.unit === 'ticks') return {unit: 'ticks', factor: 1};
  return of >= 1 || of === 0 ? {unit: 's', factor: 1} : of >= 1e-3 ? {unit: 'ms', factor: 1e3} : {unit: 'µs', factor: 1e6};
}
const shortTime = (time) => { const {factor} = timeUnit(span); return input.unit === 'ticks' ? trim(time, 3) : String(Number((time * factor).toPrecision(4))); };
const longTime = (time) => { const {unit} = timeUnit(span); return `${shortTime(time)} ${unit === 'ticks' && Math.abs(time - 1) < 1e-9 ? 'tick' : unit}`; };
/// A length of time in a unit of its own.
function duration(time) {
  const {unit, factor} = timeUnit(Math.abs(time));
  return input.unit === 'ticks' ? longTime(time) : `${Number((time * factor).toPrecision(4))} ${unit}`;
}
const signed = (value, text) => (value < 0 ? '−' : '+') + text;
const plural = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`;
const actionName = (op) => input.actions[op].replaceAll('_', ' ');

/// The micro-batches of a slot: 3; 4-5 where it covers two; 3a and 3b for halves.
function microBatches(panel, i) {
  const r = panel.rows, parts = panel.parts, from = Math.floor(r.first[i] / parts), to = Math.floor((r.first[i] + r.count[i] - 1) / parts);
  return from + (to > from ? '-' + to : '') + (parts > 1 && r.count[i] < parts ? String.fromCharCode(97 + r.first[i] % parts % 26) : '');
}
function slotName(panel, i) {
  const r = panel.rows;
  if (r.op[i] >= PASSES) return actionName(r.op[i]) + (r.first[i] < 0 ? ` of stage ${r.stage[i]}` : '');
  return `${actionName(r.op[i])} of micro-batch ${microBatches(panel, i)}`;
}
const stageText = (panel, i) => `stage ${panel.rows.stage[i]}${panel.pipelines > 1 ? `, pipeline ${panel.rows.pipeline[i]}` : ''}`;
const fromTo = (begin, end) => `${shortTime(begin)} to ${longTime(end)} (${duration(end - begin)})`;

/// A target in words: a title, lines, and the slots it waits for and that need it.
function describe(target) {
  const {panel, w, i} = target, of = panels.length > 1 ? `${panel.title}, ` : '';
  if (target.reduction !== undefined) {
    const r = panel.reductions, k = target.reduction;
    return {title: `reduction of stage ${r.stage[k]}`, lines: [`${of}worker ${w}`, fromTo(r.begin[k] * panel.quantum, r.end[k] * panel.quantum)], waits: [], needed: []};
  }
  if (i < 0) {
    const [from, to] = target.idle, next = panel.slotAt(w, to + 1e-6 * panel.tick, false);
    const lines = [`${of}worker ${w} is idle`, fromTo(from, to)];
    if (next >= 0) {
      const cause = lastOf(panel, waitsFor(panel, next).filter((j) => panel.rows.worker(j) !== w));
      lines.push(`until ${slotName(panel, next)}` + (cause >= 0 ? `, which waits for ${slotName(panel, cause)} on worker ${panel.rows.worker(cause)}` : ''));
    }
    return {title: `bubble of ${duration(to - from)}`, lines, waits: [], needed: []};
  }
  const lines = [`${of}worker ${w}, ${stageText(panel, i)}`, fromTo(panel.begin(i), panel.end(i))], other = counterpart(panel, i);
  if (other >= 0) {
    const p = panels[panel.against], late = panel.begin(i) - p.begin(other), longer = (panel.end(i) - panel.begin(i)) - (p.end(other) - p.begin(other));
    lines.push(`${p.title} ${fromTo(p.begin(other), p.end(other))}: begins ${signed(late, duration(Math.abs(late)))}, takes ${signed(longer, duration(Math.abs(longer)))}`);
  }
  return {title: slotName(panel, i), lines, waits: waitsFor(panel, i), needed: neededBy(panel, i)};
}
function relative(panel, i, j) {
  const w = panel.rows.worker(j);
  return `${slotName(panel, j)}, ${stageText(panel, j)}` + (w === panel.rows.worker(i) ? ', same worker' : `, worker ${w}`);
}

function element(name, text, inside = []) {
  const out = document.createElement(name);
  if (text) out.textContent = text;
  for (const one of inside) out.append(one);
  return out;
}

let described;
function showDetails() {
  const target = state.pick || state.hover;
  if (target === described) return;
  described = target;
  const what = byId('what');
  if (!target) {
    what.replaceChildren(element('h2', 'No slot chosen'), element('p', 'Point at a slot, click it, or walk through the slots with the arrow keys. ? lists all keys.'));
    return;
  }
  const text = describe(target), parts = [element('h2', text.title[0].toUpperCase() + text.title.slice(1))];
  for (const line of text.lines) parts.push(element('p', line));
  const list = (title, slots, note) => {
    if (!slots.length) return;
    parts.push(element('h3', title));
    parts.push(element('ul', '', slots.map((j) => {
      const button = element('button', relative(target.panel, target.i, j) + note(j));
      button.onclick = () => pick({panel: target.panel, w: target.panel.rows.worker(j), i: j});
      return element('li', '', [button]);
    })));
  };
  const {panel, i} = target;
  list('waits for', text.waits, (j) => { const gap = panel.begin(i) - panel.end(j); return gap < 1e-6 * panel.tick ? ' · just in time' : ` · ${duration(gap)} before`; });
  list('needed by', text.needed, (j) => { const gap = panel.begin(j) - panel.end(i); return gap < 1e-6 * panel.tick ? ' · at once' : ` · ${duration(gap)} later`; });
  what.replaceChildren(...parts);
}

function showTip(target, px, py) {
  const tip = byId('tip');
  tip.hidden = !target;
  if (!target) return;
  const text = describe(target), lines = [...text.lines];
  if (text.waits.length) lines.push('waits for ' + text.waits.map((j) => relative(target.panel, target.i, j)).join('; '));
  tip.replaceChildren(element('b', text.title), lines.join('\n'));
  const wide = tip.offsetWidth, high = tip.offsetHeight;
  tip.style.left = Math.max(4, px + 16 + wide > window.innerWidth ? px - wide - 12 : px + 16) + 'px';
  tip.style.top = Math.max(4, py + 18 + high > window.innerHeight ? py - high - 12 : py + 18) + 'px';
}

const say = (text) => { byId('say').textContent = text; };
const spoken = (target) => { const {title, lines, waits} = describe(target); return [title, ...lines, ...(waits.length ? ['waits for ' + waits.map((j) => relative(target.panel, target.i, j)).join('; ')] : [])].join('. '); };

/// What all workers of the current timeline do at a time.
function momentText(panel, time) {
  const names = [], busy = [];
  for (let w = 0; w < panel.workers; ++w) {
    const i = panel.slotAt(w, time, false);
    if (i >= 0) busy.push(w);
    if (w < 8) names.push(`worker ${w} ${i >= 0 ? slotName(panel, i) + ` (${stageText(panel, i)})` : 'idle'}`);
  }
  return `${longTime(time)}: ${plural(busy.length, 'worker')} of ${panel.workers} computing` + (panel.workers <= 8 ? '. ' + names.join(', ') : '');
}

/// How much longer than what it is compared with: " (+3.1 % against predicted)".
function againstText(panel) {
  if (panel.against === null) return '';
  const other = panels[panel.against], ratio = panel.makespan / other.makespan - 1;
  return ` (${signed(ratio, percent(Math.abs(ratio)))} against ${other.title})`;
}

function showStatus() {
  const panel = panels[state.current];
  let text = '';
  if (state.found !== null) {
    const path = marked(panel);
    text = path.length ? `Micro-batch ${state.found}: ${plural(path.length, 'slot')}, ${fromTo(panel.begin(path[0]), Math.max(...path.map((i) => panel.end(i))))}` : `There is no micro-batch ${state.found}: they go from 0 to ${panel.micro_batches - 1}`;
  } else if (state.time !== null) text = momentText(panel, state.time);
  else if (on.critical) {
    const [forwards, backwards, others] = panel.critical;
    text = `Critical path of ${panel.title}: ${plural(forwards, 'forward')}, ${plural(backwards, 'backward')}` + (others ? `, ${plural(others, 'other')}` : '');
  } else if (on.bubbles) text = `Bubbles: ${percent(panel.bubble_ratio)} of the workers' time, ${percent(panel.span_bubble_ratio)} within the busiest worker's span`;
  else if (on.sync) text = panel.reductions.size ? `${plural(panel.reductions.size, 'gradient reduction')} in ${panel.title}` : `No gradient reductions in ${panel.title}`;
  else if (on.difference) text = 'Slots by measured against predicted duration: blue is shorter, grey the same, orange longer (to half and to twice)';
  byId('status').textContent = text;
  return text;
}

function showCards() {
  const panel = panels[state.current], many = panels.length > 1;
  const cards = [['Makespan', longTime(panel.makespan), againstText(panel)], ['Bubble ratio', percent(panel.bubble_ratio), ''],
    ['Within spans', percent(panel.span_bubble_ratio), ''], ['Peak activations', trim(panel.peak, 3), ''],
    ['Critical path', `${panel.critical[0]} F + ${panel.critical[1]} B`, panel.critical[2] ? ` + ${panel.critical[2]}` : ''],
    ['Slots', panel.slots.toLocaleString('en-US'), ` on ${plural(panel.workers, 'worker')}`]];
  if (many) cards.unshift(['Timeline', panel.title, '']);
  byId('cards').replaceChildren(...cards.map(([name, value, note]) => element('div', '', [element('dt', name), element('dd', value, note ? [element('small', note)] : [])])));
}

function showLegend() {
  const items = [], passes = ['forward', 'backward', 'input gradient', 'weight gradient', 'recompute'];
  const used = new Set();
  for (const panel of panels) for (const paint of new Set(panel.passPaints())) used.add(paint);
  const item = (swatches, text) => items.push(element('li', '', [...swatches.map(([css, title]) => { const out = element('i'); out.style.background = css; out.title = title; return out; }), text]));
  const ordinals = ['first pipeline or chunk', 'second', 'third'];
  if (on.difference) item(Array.from({length: 9}, (_, k) => [paints.css[DIFFERENCE + k], '']), 'half as long … as predicted … twice as long');
  for (let lane = 0; lane < HUES; ++lane) {
    const here = passes.map((name, op) => [op, name]).filter(([op]) => used.has(lane * 5 + op));
    if (!here.length) continue;
    const name = panels.length > 1 && !panels.every((p) => p.against !== null || p.index === 0) ? ordinals[lane] || 'next' : panels[0].lanes[lane];
    item(here.map(([op, title]) => [paints.css[lane * 5 + op], title]), `${name}: ${here.map(([, title]) => title).join(', ')}`);
  }
  item([[paints.css[PAINT_IDLE], 'idle']], on.bubbles ? 'bubble' : 'idle');
  if (panels.some((p) => p.reductions.size)) item([[paints.css[PAINT_SYNC], 'reduction']], 'gradient reduction');
  if (used.has(PAINT_UPDATE)) item([[paints.css[PAINT_UPDATE], 'update']], 'weight update');
  byId('legend').replaceChildren(...items);
}
