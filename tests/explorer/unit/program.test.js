// SPDX-License-Identifier: Apache-2.0
// Decoding what the program packs, against its schedule files.
'use strict';
const assert = require('assert');
const test = require('node:test');
const {load} = require('./browser.js');
const {chimera, writtenData} = require('./pages.js');

const LETTERS = 'FBIWR';
const families = [
  'gpipe --stages 1 --micro-batches 1', 'gpipe --stages 4 --micro-batches 6',
  'data_parallel --micro-batches 3 --width 4',
  'bidirectional --stages 4 --micro-batches 8', 'bidirectional --stages 4 --micro-batches 8 --scale halving',
  'bidirectional --stages 4 --micro-batches 8 --scale doubling', 'bidirectional --stages 4 --micro-batches 8 --split',
  'one_f_one_b --stages 4 --micro-batches 5 --recompute full', 'interleaved --stages 8 --micro-batches 8',
  'zb_v --stages 8 --micro-batches 40', 'dualpipe --stages 8 --micro-batches 20',
  'pipedream --stages 4 --micro-batches 300',
];

for (const family of families) {
  test(`every slot of ${family}`, {skip: !process.env.CHIMERA_PROGRAM}, () => {
    const schedule = JSON.parse(chimera('schedule', ...family.split(' '), '--format', 'json'));
    const [panel] = load(writtenData('schedule', ...family.split(' '))).panels, r = panel.rows;
    const expected = schedule.slots.map((row) => row.map((s) =>
      [LETTERS.indexOf(s.op), s.count, s.pipeline, s.stage, s.first, s.tick, s.tick + s.ticks]));
    const found = schedule.slots.map((_, w) => Array.from({length: r.offsets[w + 1] - r.offsets[w]}, (__, k) => {
      const i = r.offsets[w] + k;
      return [r.op[i], r.count[i], r.pipeline[i], r.stage[i], r.first[i], panel.begin(i), panel.end(i)];
    }));
    assert.deepStrictEqual(found, expected);
    assert.strictEqual(r.size, panel.slots);
  });
}

test('the critical path has the metrics\' slots, one after the other', {skip: !process.env.CHIMERA_PROGRAM}, () => {
  const [panel] = load(writtenData('schedule', 'one_f_one_b', '--stages', '4', '--micro-batches', '8')).panels;
  const ops = panel.chain.map((i) => panel.rows.op[i]);
  assert.deepStrictEqual([ops.filter((op) => op === 0).length, ops.filter((op) => op === 1).length],
    panel.critical.slice(0, 2));
  panel.chain.slice(1).forEach((i, k) => assert.ok(panel.begin(i) >= panel.end(panel.chain[k])));
  assert.strictEqual(panel.end(panel.chain[panel.chain.length - 1]), panel.makespan);
});

test('peaks of the live activations are the metrics\' peak', {skip: !process.env.CHIMERA_PROGRAM}, () => {
  for (const family of families) {
    const {panels, activations} = load(writtenData('schedule', ...family.split(' ')));
    const peaks = Array.from({length: panels[0].workers}, (_, w) => activations(panels[0], w).peak);
    assert.ok(Math.abs(Math.max(...peaks) - panels[0].peak) < 1e-9, family);
  }
});
