// SPDX-License-Identifier: Apache-2.0
// Dependencies, live activations, the way of a micro-batch, measured against predicted.
'use strict';
const assert = require('assert');
const test = require('node:test');
const {load} = require('./browser.js');
const {BACKWARD, FORWARD, INPUT, RECOMPUTE, WEIGHT, pageOf, panelOf, slot, twoStages} = require('./pages.js');

const page = load(pageOf(panelOf(twoStages())));
const [panel] = page.panels;  // slots 0 to 4 are worker 0's, 5 to 9 worker 1's

test('a forward waits for the stage before, then for its worker', () => {
  assert.deepStrictEqual(page.waitsFor(panel, 0), []);
  assert.deepStrictEqual(page.waitsFor(panel, 5), [0]);
  assert.deepStrictEqual(page.waitsFor(panel, 7), [1, 6]);
});

test('a gradient waits for the stage after and for its forward', () => {
  assert.deepStrictEqual(page.waitsFor(panel, 2), [6, 0, 1]);
  assert.deepStrictEqual(page.waitsFor(panel, 4), [8, 1, 3]);
  assert.deepStrictEqual(page.waitsFor(panel, 6), [5]);
});

test('a weight gradient waits for its input gradient alone', () => {
  assert.deepStrictEqual(page.waitsFor(panel, 3), [2]);
  assert.deepStrictEqual(page.waitsFor(panel, 9), [6, 8]);
});

test('what needs a slot is the inverse of what waits for it', () => {
  for (let i = 0; i < panel.rows.size; ++i) {
    for (const j of page.waitsFor(panel, i)) assert.ok(page.neededBy(panel, j).includes(i), `${i} waits for ${j}`);
    for (const j of page.neededBy(panel, i)) assert.ok(page.waitsFor(panel, j).includes(i), `${i} is needed by ${j}`);
  }
});

test('a backward waits for the recomputed forward too', () => {
  const first = [slot(FORWARD, 0, 0, 0, 1), slot(RECOMPUTE, 0, 0, 1, 2), slot(FORWARD, 0, 1, 2, 3)];
  const one = load(pageOf(panelOf([[...first, slot(BACKWARD, 0, 0, 3, 5)]])));
  assert.deepStrictEqual(one.waitsFor(one.panels[0], 3), [0, 1, 2]);
  assert.deepStrictEqual(one.waitsFor(one.panels[0], 2), [1]);
  assert.deepStrictEqual(one.neededBy(one.panels[0], 0), [1, 3]);
  assert.deepStrictEqual(one.neededBy(one.panels[0], 1), [3, 2]);
});

test('a slot of two micro-batches waits for both', () => {
  const rows = [[slot(FORWARD, 0, 0, 0, 1), slot(FORWARD, 0, 1, 1, 2)], [slot(FORWARD, 1, 0, 2, 4, {count: 2})]];
  const two = load(pageOf(panelOf(rows)));
  assert.deepStrictEqual(two.waitsFor(two.panels[0], 2), [0, 1]);
  assert.deepStrictEqual(two.neededBy(two.panels[0], 1), [2]);
});

test('a weight update waits for its worker alone', () => {
  const rows = [[slot(FORWARD, 0, 0, 0, 1), slot(6, 0, -1, 1, 2)]];
  const one = load(pageOf(panelOf(rows, {micro_batches: 1})));
  assert.deepStrictEqual(one.waitsFor(one.panels[0], 1), [0]);
  assert.strictEqual(one.panels[0].paints[1], one.PAINT_UPDATE);
});

test('a weight update makes no gradient', () => {
  const rows = [[slot(FORWARD, 0, 0, 0, 1), slot(BACKWARD, 0, 0, 1, 2), slot(6, 1, -1, 2, 3)]];
  const one = load(pageOf(panelOf(rows)));
  assert.deepStrictEqual(Array.from(one.makers(one.panels[0]).gradient), [1, -1]);
});

test('of what a slot waits for, the one that ends last; -1 of none', () => {
  assert.strictEqual(page.lastOf(panel, [6, 0, 1]), 6);
  assert.strictEqual(page.lastOf(panel, []), -1);
});

test('live activations rise with forwards and fall with what ends an activation', () => {
  const {times, live, peak} = page.activations(panel, 0);
  assert.deepStrictEqual([times, live, peak], [[0, 1, 6, 8], [1, 2, 1, 0], 2]);
  const halves = load(pageOf(panelOf(twoStages(), {share: 0.5, parts: 2})));
  assert.strictEqual(halves.activations(halves.panels[0], 0).peak, 0.5);
});

test('a worker without slots has no activations', () => {
  const idle = load(pageOf(panelOf([[slot(FORWARD, 0, 0, 0, 1)], []])));
  assert.deepStrictEqual(idle.activations(idle.panels[0], 1), {times: [0], live: [0], peak: 0});
});

test('the way of a micro-batch, by the begin', () => {
  assert.deepStrictEqual(page.pathOf(panel, 0), [0, 5, 6, 2, 3, 9]);
  assert.deepStrictEqual(page.pathOf(panel, 2), []);
  const halves = load(pageOf(panelOf(twoStages(), {parts: 2, micro_batches: 1})));
  assert.strictEqual(halves.pathOf(halves.panels[0], 0).length, 10, 'units 0 and 1 are its halves');
  assert.deepStrictEqual(halves.pathOf(halves.panels[0], 1), []);
});

test('measured against predicted: nine colours from half as long to twice as long', () => {
  const predicted = [[slot(FORWARD, 0, 0, 0, 4), slot(INPUT, 0, 0, 4, 8), slot(WEIGHT, 0, 0, 8, 12),
    slot(FORWARD, 0, 1, 12, 16)]];
  const measured = [[slot(FORWARD, 0, 0, 0, 1), slot(INPUT, 0, 0, 1, 5), slot(WEIGHT, 0, 0, 5, 13),
    slot(FORWARD, 0, 1, 13, 113)]];
  const both = load(pageOf(panelOf(predicted), panelOf(measured, {against: 0})));
  assert.deepStrictEqual([0, 1, 2, 3].map((i) => both.counterpart(both.panels[1], i)), [0, 1, 2, 3]);
  assert.deepStrictEqual(Array.from(both.differencePaints(both.panels[1]), (paint) => paint - both.DIFFERENCE),
    [0, 4, 8, 8]);
  assert.strictEqual(both.counterpart(both.panels[0], 0), -1);
  assert.deepStrictEqual(both.differencePaints(both.panels[0]), both.panels[0].passPaints());
});

test('no counterpart where the other timeline has fewer micro-batches or stages', () => {
  const less = [[slot(FORWARD, 0, 0, 0, 1)]],
    more = [[slot(FORWARD, 0, 1, 0, 1), slot(FORWARD, 1, 0, 1, 2), slot(FORWARD, 0, 0, 2, 3)]];
  const both = load(pageOf(panelOf(less), panelOf(more, {against: 0})));
  assert.deepStrictEqual([0, 1, 2].map((i) => both.counterpart(both.panels[1], i)), [-1, -1, 0]);
});

test('a recomputed forward has a counterpart of its kind', () => {
  const rows = () => [[slot(FORWARD, 0, 0, 0, 1), slot(RECOMPUTE, 0, 0, 1, 2), slot(BACKWARD, 0, 0, 2, 4)]];
  const both = load(pageOf(panelOf(rows()), panelOf(rows(), {against: 0})));
  assert.deepStrictEqual([0, 1, 2].map((i) => both.counterpart(both.panels[1], i)), [0, 1, 2]);
});
