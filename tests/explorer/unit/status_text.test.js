// SPDX-License-Identifier: Apache-2.0
// Times, slots and bubbles in words.
'use strict';
const assert = require('assert');
const test = require('node:test');
const {load} = require('./browser.js');
const {BACKWARD, FORWARD, INPUT, pageOf, panelOf, slot, twoStages} = require('./pages.js');

const ticks = load(pageOf(panelOf(twoStages())));
const inSeconds = (makespan) =>
  load({...pageOf(panelOf([[slot(FORWARD, 0, 0, 0, 1)]], {makespan, quantum: makespan})), unit: 's'});

test('numbers lose their trailing zeros', () => {
  assert.deepStrictEqual([[2, 3], [2.5, 3], [0.0004, 3], [1e6, 0], [-0.125, 2]].map((given) => ticks.trim(...given)),
    ['2', '2.5', '0', '1000000', '-0.13']);
  assert.deepStrictEqual([0, 0.12345, 1].map(ticks.percent), ['0 %', '12.3 %', '100 %']);
});

test('one tick, several ticks, parts of a tick', () => {
  assert.deepStrictEqual([0, 1, 2, 0.5, 1 / 3].map(ticks.longTime),
    ['0 ticks', '1 tick', '2 ticks', '0.5 ticks', '0.333 ticks']);
});

test('seconds, milliseconds and microseconds by the length of the timeline', () => {
  assert.strictEqual(inSeconds(2).longTime(0.0125), '0.0125 s');
  assert.strictEqual(inSeconds(0.5).longTime(0.0125), '12.5 ms');
  assert.strictEqual(inSeconds(1e-3).longTime(1e-3), '1 ms');
  assert.strictEqual(inSeconds(9.99e-4).longTime(1.25e-5), '12.5 µs');
  assert.deepStrictEqual(ticks.timeUnit(1e-6), {unit: 'ticks', factor: 1});
});

test('a length of time has a unit of its own, also below zero', () => {
  const {duration} = inSeconds(2);
  assert.deepStrictEqual([1.23456, 0.00123456, 1e-9, 0, -0.002].map(duration),
    ['1.235 s', '1.235 ms', '0.001 µs', '0 s', '-2 ms']);
});

test('a sign and a number of things', () => {
  assert.deepStrictEqual([ticks.signed(-1, 'x'), ticks.signed(0, 'x')], ['−x', '+x']);
  assert.deepStrictEqual([0, 1, 2].map((n) => ticks.plural(n, 'slot')), ['0 slots', '1 slot', '2 slots']);
});

test('micro-batches of a slot: one, two, a half', () => {
  const name = (first, count, parts) => {
    const rows = [[slot(FORWARD, 0, first, 0, 1, {count})]];
    const page = load(pageOf(panelOf(rows, {parts, micro_batches: first + count})));
    return page.microBatches(page.panels[0], 0);
  };
  assert.deepStrictEqual([name(3, 1, 1), name(4, 2, 1), name(4, 2, 2), name(6, 1, 2), name(7, 1, 2)],
    ['3', '4-5', '2', '3a', '3b']);
  assert.strictEqual(name(29, 1, 30), '0d', 'letters begin again after z');
});

test('a slot by its name', () => {
  const rows = [[slot(INPUT, 0, 0, 0, 1), slot(6, 3, -1, 1, 2), slot(6, 3, 0, 2, 3)]];
  const page = load(pageOf(panelOf(rows, {micro_batches: 1})));
  assert.deepStrictEqual([0, 1, 2].map((i) => page.slotName(page.panels[0], i)),
    ['input gradient of micro-batch 0', 'update weights of stage 3', 'update weights']);
});

test('a slot, a bubble and a reduction described', () => {
  const page = load(pageOf(panelOf(twoStages(), {reductions: [[slot(0, 1, 0, 6, 8)], []]}))), [panel] = page.panels;
  assert.deepStrictEqual(page.describe({panel, w: 0, i: 4}),
    {title: 'backward of micro-batch 1', lines: ['worker 0, stage 0', '6 to 8 ticks (2 ticks)'], waits: [8, 1, 3],
      needed: []});
  const bubble = page.describe({panel, w: 0, i: -1, idle: [2, 4]});
  assert.strictEqual(bubble.title, 'bubble of 2 ticks');
  assert.deepStrictEqual(bubble.lines,
    ['worker 0 is idle', '2 to 4 ticks (2 ticks)',
      'until input gradient of micro-batch 0, which waits for input gradient of micro-batch 0 on worker 1']);
  assert.strictEqual(page.describe({panel, w: 1, i: -1, idle: [7, 8]}).lines.length, 2, 'nothing ends the last bubble');
  assert.deepStrictEqual(page.describe({panel, w: 0, i: -1, reduction: 0}).lines,
    ['worker 0', '6 to 8 ticks (2 ticks)']);
});

test('a slot is described against its prediction', () => {
  const predicted = [[slot(FORWARD, 0, 0, 1, 3)]], measured = [[slot(FORWARD, 0, 0, 0, 3)]];
  const page = load(pageOf(panelOf(predicted, {title: 'predicted'}),
    panelOf(measured, {title: 'measured', against: 0})));
  assert.strictEqual(page.describe({panel: page.panels[1], w: 0, i: 0}).lines[2],
    'predicted 1 to 3 ticks (2 ticks): begins −1 tick, takes +1 tick');
});

test('a makespan against another', () => {
  const page = load(pageOf(panelOf(twoStages(), {title: 'predicted'}),
    panelOf(twoStages(), {against: 0, makespan: 7})));
  assert.strictEqual(page.againstText(page.panels[0]), '');
  assert.strictEqual(page.againstText(page.panels[1]), ' (−12.5 % against predicted)');
});

test('a moment: each of few workers, the number of many', () => {
  assert.strictEqual(ticks.momentText(ticks.panels[0], 0),
    '0 ticks: 1 worker of 2 computing. worker 0 forward of micro-batch 0 (stage 0), worker 1 idle');
  const many = load(pageOf(panelOf(Array.from({length: 9}, (_, w) => [slot(BACKWARD, w, 0, w, w + 1)]))));
  assert.strictEqual(many.momentText(many.panels[0], 3), '3 ticks: 1 worker of 9 computing');
});

test('the status tells what is followed, and what is not there', () => {
  const {elements} = ticks;
  const find = (text) => { elements.search.oninput({target: {value: text}}); return elements.status.textContent; };
  assert.strictEqual(find(' 1 '), 'Micro-batch 1: 4 slots, 1 to 8 ticks (7 ticks)');
  assert.strictEqual(find('2'), 'There is no micro-batch 2: they go from 0 to 1');
  assert.strictEqual(find('-1'), '');
  assert.strictEqual(find('1e1'), '');
});
