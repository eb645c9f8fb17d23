// SPDX-License-Identifier: Apache-2.0
// Makes data of pages: packed here once more from slots, or by the program CHIMERA_PROGRAM.
'use strict';
const {execFileSync} = require('child_process');

/// A number in base 128, lowest digits first.
function digits(value) {
  const out = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push(rest % 128 + 128);
  return [...out, rest];
}
const zigzag = (value) => (value < 0 ? -2 * value - 1 : 2 * value);
const packed = (...numbers) => Buffer.from(numbers.flatMap(digits)).toString('base64');

const [FORWARD, BACKWARD, INPUT, WEIGHT, RECOMPUTE] = [0, 1, 2, 3, 4];
/// A slot of one micro-batch: op, stage, micro-batch, begin, end.
const slot = (op, stage, first, begin, end, more = {}) =>
  ({op, stage, first, begin, end, count: 1, pipeline: 0, lane: 0, ...more});

/// Rows of slots as base 64. Each slot has a kind of its own, so no number depends on the slots before.
function packRows(rows) {
  const numbers = [];
  for (const row of rows) {
    numbers.push(row.length, ...row.flatMap((s) => [s.op, s.count, s.pipeline, s.stage, s.lane]), row.length);
    let now = 0;
    row.forEach((s, k) => {
      numbers.push(2 * k + 2, zigzag(s.first), zigzag(s.begin - now), zigzag(s.end - s.begin));
      now = s.end;
    });
  }
  return packed(...numbers);
}

/// The data of one timeline; `more` replaces members of it.
function panelOf(rows, more = {}) {
  const all = rows.flat(), reductions = more.reductions || rows.map(() => []);
  const most = (values) => Math.max(0, ...values);
  return {
    title: 'made', caption: '', against: -1, workers: rows.length, stages: most(all.map((s) => s.stage)) + 1,
    pipelines: 1,
    micro_batches: most(all.map((s) => s.first)) + 1, parts: 1, makespan: most(all.map((s) => s.end)),
    bubble_ratio: 0.25,
    span_bubble_ratio: 0.125, share: 1, peak: 2, critical: [1, 2, 0], slots: all.length, tick: 1, quantum: 1,
    steps: all.length, lanes: ['pipeline 0'], placement: rows.map((_, w) => w), chain: packed(0), rows: packRows(rows),
    ...more, reductions: packRows(reductions), reduction_count: reductions.flat().length,
  };
}
const actions = ['forward', 'backward', 'input_gradient', 'weight_gradient', 'recompute', 'send', 'update_weights'];
const grey = (value) => '#' + value.toString(16).padStart(2, '0').repeat(3);
const hues = Array.from({length: 8}, (_, k) => [0, 1, 2, 3].map((op) => grey(16 * k + 4 * op + 16)));
const pageOf = (...panels) => ({unit: 'ticks', actions, hues, panels});

/// Two stages, two micro-batches, GPipe with split backwards; worker 1 waits first, worker 0 in the middle.
const twoStages = () => [
  [slot(FORWARD, 0, 0, 0, 1), slot(FORWARD, 0, 1, 1, 2), slot(INPUT, 0, 0, 4, 5), slot(WEIGHT, 0, 0, 5, 6),
    slot(BACKWARD, 0, 1, 6, 8)],
  [slot(FORWARD, 1, 0, 1, 2), slot(INPUT, 1, 0, 2, 4), slot(FORWARD, 1, 1, 4, 5), slot(BACKWARD, 1, 1, 5, 6),
    slot(WEIGHT, 1, 0, 6, 7)],
];

/// Returns what the program prints.
function chimera(...given) {
  return execFileSync(process.env.CHIMERA_PROGRAM, given, {encoding: 'utf8', maxBuffer: 1 << 28});
}
/// Returns the data of the page that the program writes.
function writtenData(...given) {
  const page = chimera(...given, '--format', 'html');
  return JSON.parse(/<script type="application\/json" id="timelines">(.*?)<\/script>/s.exec(page)[1]);
}

module.exports = {
  BACKWARD, FORWARD, INPUT, RECOMPUTE, WEIGHT, chimera, digits, packRows, packed, pageOf, panelOf, slot, twoStages,
  writtenData, zigzag,
};
