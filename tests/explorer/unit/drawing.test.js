// SPDX-License-Identifier: Apache-2.0
// Pixels of dense rows, and the lines of the memory curve.
'use strict';
const assert = require('assert');
const test = require('node:test');
const {load, recorder} = require('./browser.js');
const {BACKWARD, FORWARD, pageOf, panelOf, slot, twoStages} = require('./pages.js');

/// The red of each pixel of worker 0's row, from time `from` on. Forwards are 16, backwards 20, idle time 236.
function reds(rows, from, perPixel, columns) {
  const page = load(pageOf(panelOf(rows))), line = new Uint32Array(columns).fill(236), [panel] = page.panels;
  page.paintRow(line, panel.rows, 0, panel.paints, from, perPixel, columns);
  return Array.from(line, (pixel) => pixel & 255);
}

test('whole pixels have the slot\'s colour, idle ones stay', () => {
  assert.deepStrictEqual(reds([[slot(FORWARD, 0, 0, 0, 2), slot(BACKWARD, 0, 0, 3, 5)]], 0, 1, 6),
    [16, 16, 236, 20, 20, 236]);
});

test('a pixel is the mean of what lies in it', () => {
  const rows = [[slot(FORWARD, 0, 0, 0, 1), slot(BACKWARD, 0, 0, 1, 2), slot(FORWARD, 0, 1, 2, 3)]];
  assert.deepStrictEqual(reds(rows, 0, 2, 2), [18, 126]);
  assert.deepStrictEqual(reds(rows, 0, 4, 1), [72]);
});

test('a slot that begins before the view and ends after it is cut', () => {
  assert.deepStrictEqual(reds([[slot(FORWARD, 0, 0, 0, 100)]], 40, 10, 3), [16, 16, 16]);
  assert.deepStrictEqual(reds([[slot(FORWARD, 0, 0, 0, 45)]], 40, 10, 2), [126, 236]);
  assert.deepStrictEqual(reds([[slot(FORWARD, 0, 0, 60, 70)]], 40, 10, 4), [236, 236, 16, 236]);
});

test('a pair has half of its time each', () => {
  assert.deepStrictEqual(reds([[slot(FORWARD, 0, 0, 0, 4), slot(BACKWARD, 0, 1, 0, 4)]], 0, 1, 4), [16, 16, 20, 20]);
});

test('a row without slots, a view past the last slot', () => {
  assert.deepStrictEqual(reds([[], [slot(FORWARD, 0, 0, 0, 1)]], 0, 1, 2), [236, 236]);
  assert.deepStrictEqual(reds([[slot(FORWARD, 0, 0, 0, 1)]], 5, 1, 2), [236, 236]);
});

test('reductions are seen where the worker does not compute', () => {
  const page = load(pageOf(panelOf([[slot(FORWARD, 0, 0, 0, 2)]], {reductions: [[slot(0, 0, 0, 1, 4)]], makespan: 4})));
  const line = Uint32Array.from([1, 1, 7, 7, 7]), [panel] = page.panels;
  page.paintReductions(line, 7, panel.reductions, 0, 0, 1, 5);
  assert.deepStrictEqual(Array.from(line, (pixel) => (pixel === 7 || pixel === 1 ? pixel : 'sync')),
    [1, 1, 'sync', 'sync', 7]);
});

test('the first entry above a value', () => {
  const {upperBound} = load(pageOf(panelOf(twoStages())));
  assert.deepStrictEqual([-1, 0, 1, 2, 5, 9].map((value) => upperBound([0, 1, 1, 5], value)), [0, 1, 3, 3, 4, 4]);
  assert.strictEqual(upperBound([], 1), 0);
});

test('only slots in view are drawn', () => {
  const page = load(pageOf(panelOf(twoStages()))), {view, seenSlots, panels: [panel]} = page;
  assert.deepStrictEqual(seenSlots(panel, 0), [0, 5]);
  page.zoom(4, view.gutter);
  assert.deepStrictEqual(seenSlots(panel, 0), [0, 2]);
  page.pan(-1e9, 0);
  assert.deepStrictEqual(seenSlots(panel, 0), [4, 5]);
  assert.deepStrictEqual(seenSlots(panel, 1), [9, 10]);
});

test('the memory curve is a staircase', () => {
  const page = load(pageOf(panelOf(twoStages()))), g = recorder();
  const right = page.traceCurve(g, page.panels[0], 0, (time) => 10 * time, (value) => -value, 1000);
  assert.strictEqual(right, 80);
  const points = g.calls.map(([, px, level]) => [px, -level]);
  points.slice(1).forEach(([px, level], k) => assert.ok(px === points[k][0] || level === points[k][1]));
  assert.deepStrictEqual([...new Map(points)], [[0, 1], [10, 2], [60, 1], [80, 0]]);
});

test('the curve has at most a few points for each pixel', () => {
  const rows = [Array.from({length: 5000}, (_, k) => slot(k % 2 ? BACKWARD : FORWARD, 0, k >> 1, k, k + 1))];
  const page = load(pageOf(panelOf(rows))), g = recorder();
  page.traceCurve(g, page.panels[0], 0, (time) => time / 500, (value) => value, 1000);
  assert.ok(g.calls.length < 60, `${g.calls.length} points for ten pixels`);
});
