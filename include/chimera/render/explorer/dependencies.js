// SPDX-License-Identifier: Apache-2.0
// Derives what follows from a timeline: dependencies, live activations, the path of a micro-batch, and the
// difference of measured and predicted durations.

// ---- laws: who waits for whom
/// (stage, unit) → the slot that makes its activation, its gradient, its weight gradient, its activation once more; -1: none.
function makers(panel) {
  if (panel.makers) return panel.makers;
  const r = panel.rows, size = panel.stages * panel.units;
  const has = new Set(r.op);
  const table = (wanted) => (wanted ? new Int32Array(size).fill(-1) : null);
  const out = {forward: table(true), gradient: table(true), weight: table(has.has(WEIGHT)), again: table(has.has(RECOMPUTE))};
  for (let i = 0; i < r.size; ++i) {
    const op = r.op[i];
    if (op >= PASSES) continue;
    const to = op === FORWARD ? out.forward : op === WEIGHT ? out.weight : op === RECOMPUTE ? out.again : out.gradient;
    for (let u = 0; u < r.count[i]; ++u) to[r.stage[i] * panel.units + r.first[i] + u] = i;
  }
  return (panel.makers = out);
}

/// The slots that make a table's entries of slot i's units at a stage.
function madeAt(panel, table, stage, i) {
  const out = [], r = panel.rows;
  if (!table || stage < 0 || stage >= panel.stages) return out;
  for (let u = 0; u < r.count[i]; ++u) {
    const maker = table[stage * panel.units + r.first[i] + u];
    if (maker >= 0 && maker !== i && !out.includes(maker)) out.push(maker);
  }
  return out;
}

/// What slot i must wait for; the last one is its worker's slot before, where there is one.
function waitsFor(panel, i) {
  const r = panel.rows, made = makers(panel), s = r.stage[i], op = r.op[i], out = [];
  const add = (table, stage) => { for (const maker of madeAt(panel, table, stage, i)) if (!out.includes(maker)) out.push(maker); };
  if (op === FORWARD) add(made.forward, s - 1);
  if (givesGradient(op)) { add(made.gradient, s + 1); add(made.forward, s); add(made.again, s); }
  if (op === WEIGHT) add(made.gradient, s);
  if (op === RECOMPUTE) add(made.forward, s);
  const before = i - 1 - (panel.paired(i - 1) ? 1 : 0);
  if (before >= r.offsets[r.worker(i)] && !out.includes(before)) out.push(before);
  return out;
}

/// What waits for slot i; the last one is its worker's next slot, where there is one.
function neededBy(panel, i) {
  const r = panel.rows, made = makers(panel), s = r.stage[i], op = r.op[i], out = [];
  const add = (table, stage) => { for (const maker of madeAt(panel, table, stage, i)) if (!out.includes(maker)) out.push(maker); };
  if (op === FORWARD) { add(made.forward, s + 1); add(made.again, s); add(made.gradient, s); }
  if (op === RECOMPUTE) add(made.gradient, s);
  if (givesGradient(op)) add(made.gradient, s - 1);
  if (op === INPUT) add(made.weight, s);
  const after = i + 1 + (panel.paired(i) ? 1 : 0);
  if (after < r.offsets[r.worker(i) + 1] && !out.includes(after)) out.push(after);
  return out;
}

/// What slot i waited for longest: of what it waits for, the one that ended last.
function lastOf(panel, all) {
  return all.reduce((best, j) => (best < 0 || panel.rows.end[j] > panel.rows.end[best] ? j : best), -1);
}

/// Live activations of a worker, in micro-batches of one stage (times the panel's share): from times[k] on there are live[k]. As the metrics count them.
function activations(panel, w) {
  if (panel.curves.has(w)) return panel.curves.get(w);
  const r = panel.rows, times = [0], live = [0], each = panel.share / panel.parts;
  let now = 0, units = 0, peak = 0;
  const change = (time, by) => {
    now = Math.max(now, time * panel.quantum);
    units += by;
    if (times[times.length - 1] < now) { times.push(now); live.push(0); }
    live[live.length - 1] = units * each;
    peak = Math.max(peak, units * each);
  };
  for (let i = r.offsets[w]; i < r.offsets[w + 1]; ++i) {
    if (r.op[i] === FORWARD) change(r.begin[i], r.count[i]);
    if (endsActivation(r.op[i])) change(r.end[i], -r.count[i]);
  }
  const out = {times, live, peak};
  panel.curves.set(w, out);
  return out;
}

/// All slots of a micro-batch, by their begin.
function pathOf(panel, microBatch) {
  const out = [], r = panel.rows, from = microBatch * panel.parts, to = from + panel.parts;
  for (let i = 0; i < r.size; ++i)
    if (r.op[i] < PASSES && r.first[i] < to && r.first[i] + r.count[i] > from) out.push(i);
  return out.sort((a, b) => r.begin[a] - r.begin[b]);
}

/// The slot of the timeline that a panel is compared with which does the same as slot i; -1: none.
function counterpart(panel, i) {
  if (panel.against === null) return -1;
  const other = panels[panel.against], r = panel.rows, made = makers(other), op = r.op[i];
  const table = op === FORWARD ? made.forward : op === WEIGHT ? made.weight : op === RECOMPUTE ? made.again : made.gradient;
  if (op >= PASSES || !table || r.stage[i] >= other.stages || r.first[i] >= other.units) return -1;
  return table[r.stage[i] * other.units + r.first[i]];
}

/// Colours by the duration against the counterpart's: from half as long to twice as long in nine steps.
function differencePaints(panel) {
  const out = panel.passPaints();
  if (panel.against === null) return out;
  const other = panels[panel.against];
  for (let i = 0; i < out.length; ++i) {
    const j = counterpart(panel, i);
    if (j < 0) continue;
    const ratio = (panel.end(i) - panel.begin(i)) / Math.max(other.end(j) - other.begin(j), 1e-300);
    out[i] = DIFFERENCE + Math.max(0, Math.min(8, Math.round(4 + 4 * Math.log2(Math.max(ratio, 1e-9)))));
  }
  return out;
}
