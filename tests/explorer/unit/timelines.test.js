// SPDX-License-Identifier: Apache-2.0
// Decoding: bytes made here, with every token and the odd sizes.
'use strict';
const assert = require('assert');
const test = require('node:test');
const {load} = require('./browser.js');
const {
  BACKWARD, FORWARD, INPUT, WEIGHT, digits, packRows, packed, pageOf, panelOf, slot, twoStages, zigzag,
} = require('./pages.js');

const {Reader, Rows, readChain} = load(pageOf(panelOf(twoStages())));
const column = (rows, name) => Array.from(rows[name]);

test('a number is read from one byte, from two and from all that a double holds', () => {
  for (const value of [0, 1, 127, 128, 255, 16383, 16384, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER])
    assert.strictEqual(new Reader(packed(value)).number(), value);
});

test('numbers follow one another, those with a sign by zigzag', () => {
  const values = [0, -1, 1, -2, 2, -64, 64, -(2 ** 31), 2 ** 31], reader = new Reader(packed(...values.map(zigzag)));
  assert.deepStrictEqual(values.map(() => reader.signed()), values);
  assert.strictEqual(reader.at, reader.bytes.length);
});

test('bytes are seven bits each, the eighth set on all but the last', () => {
  assert.deepStrictEqual(digits(300), [172, 2]);
  assert.deepStrictEqual(Array.from(new Reader(packed(300)).bytes), [172, 2]);
});

test('no workers, and workers without slots', () => {
  assert.deepStrictEqual(column(new Rows(packed(), 0, 0), 'offsets'), [0]);
  assert.deepStrictEqual(column(new Rows(packed(0, 0, 0, 0, 0, 0), 3, 0), 'offsets'), [0, 0, 0, 0]);
});

test('a slot goes on as its kind did', () => {
  // one kind; an irregular slot (first 0, gap 3, duration 2), then two regular ones
  const rows = new Rows(packed(1, FORWARD, 1, 0, 2, 0, 3, 2, zigzag(0), zigzag(3), zigzag(2), 1, 1), 1, 3);
  assert.deepStrictEqual(column(rows, 'first'), [0, 1, 2]);
  assert.deepStrictEqual(column(rows, 'begin'), [3, 8, 13]);
  assert.deepStrictEqual(column(rows, 'end'), [5, 10, 15]);
  assert.deepStrictEqual(column(rows, 'stage'), [2, 2, 2]);
});

test('first may go back, by a negative step', () => {
  const rows = new Rows(packed(1, BACKWARD, 1, 0, 0, 0, 3, 2, zigzag(5), 0, zigzag(1), 2, zigzag(-7), 0, 0, 1), 1, 3);
  assert.deepStrictEqual(column(rows, 'first'), [5, 4, 3]);
});

test('a repetition may be longer than its period', () => {
  const kinds = [2, FORWARD, 1, 0, 0, 0, BACKWARD, 2, 1, 1, 9];
  const slots = [8, 2, 0, 0, zigzag(1), 4, 0, 0, zigzag(2), 0, 2, 6];  // then 6 slots like the two before
  const rows = new Rows(packed(...kinds, ...slots), 1, 8);
  assert.deepStrictEqual(column(rows, 'op'), [0, 1, 0, 1, 0, 1, 0, 1]);
  assert.deepStrictEqual(column(rows, 'first'), [0, 0, 1, 1, 2, 2, 3, 3]);
  assert.deepStrictEqual(column(rows, 'end'), [1, 3, 4, 6, 7, 9, 10, 12]);
  assert.deepStrictEqual(column(rows, 'count'), [1, 2, 1, 2, 1, 2, 1, 2]);
  assert.strictEqual(rows.lane[1], 1, 'the ninth lane has the second colour');
});

test('a row does not know the kinds of the row before', () => {
  const rows = new Rows(packRows([[slot(INPUT, 3, 2, 1, 4)], [], [slot(WEIGHT, 1, 9, 7, 8, {pipeline: 1})]]), 3, 2);
  assert.deepStrictEqual(column(rows, 'offsets'), [0, 1, 1, 2]);
  assert.deepStrictEqual(column(rows, 'begin'), [1, 7]);
  assert.deepStrictEqual([rows.worker(0), rows.worker(1)], [0, 2]);
});

test('the first slot that ends after a time', () => {
  const {panels} = load(pageOf(panelOf(twoStages()))), {rows} = panels[0];
  assert.deepStrictEqual([-1, 0, 0.5, 1, 2, 5.5, 8, 99].map((time) => rows.firstAfter(0, time)),
    [0, 0, 0, 1, 2, 3, 5, 5]);
  assert.deepStrictEqual([0, 6.9, 7].map((time) => rows.firstAfter(1, time)), [5, 9, 10]);
});

test('the critical path, by differences', () => {
  assert.deepStrictEqual(readChain(packed(0)), []);
  assert.deepStrictEqual(readChain(packed(4, ...[7, 193, -200, 1000].map(zigzag))), [7, 200, 0, 1000]);
});

test('a pair shares a stretch of time: forwards above', () => {
  const rows = [[slot(BACKWARD, 0, 0, 0, 4), slot(FORWARD, 0, 1, 0, 3), slot(FORWARD, 0, 2, 4, 5),
    slot(FORWARD, 0, 3, 5, 6)]];
  const [panel] = load(pageOf(panelOf(rows))).panels;
  assert.deepStrictEqual([0, 1, 2, 3].map((i) => panel.half(i)), [2, 1, 0, 0]);
  assert.deepStrictEqual([panel.slotAt(0, 1, false), panel.slotAt(0, 1, true)], [1, 0]);
  assert.deepStrictEqual([panel.slotAt(0, 4.5, true), panel.slotAt(0, 6, false)], [2, -1]);
});

test('slots that share a rounding error are no pair', () => {
  const rows = [[slot(FORWARD, 0, 0, 0, 1000), slot(FORWARD, 0, 1, 995, 2000)]];
  assert.strictEqual(load(pageOf(panelOf(rows))).panels[0].half(0), 0);
});
