// SPDX-License-Identifier: Apache-2.0
// Keys and buttons: the state after each.
'use strict';
const assert = require('assert');
const test = require('node:test');
const {load} = require('./browser.js');
const {pageOf, panelOf, slot, twoStages} = require('./pages.js');

const fresh = (...more) => load(pageOf(...(more.length ? more : [{}]).map((one) => panelOf(twoStages(), one))));
const at = ({state}) => [state.pick.w, state.pick.i];

test('arrows go from slot to slot and stop at the ends', () => {
  const page = fresh(), go = (key) => { page.press(key); return at(page); };
  assert.deepStrictEqual(['ArrowRight', 'ArrowRight', 'ArrowLeft', 'ArrowLeft'].map(go),
    [[0, 0], [0, 1], [0, 0], [0, 0]]);
  assert.strictEqual(page.elements.say.textContent, 'first slot');
  assert.deepStrictEqual(['End', 'ArrowRight', 'Home'].map(go), [[0, 4], [0, 4], [0, 0]]);
});

test('the worker below at the same time may be idle', () => {
  const page = fresh(), go = (key) => { page.press(key); return at(page); };
  assert.deepStrictEqual(['ArrowDown', 'ArrowDown'].map(go), [[0, 0], [1, -1]]);
  assert.deepStrictEqual(page.state.pick.idle, [0, 1]);
  assert.deepStrictEqual(['ArrowRight', 'ArrowUp'].map(go), [[1, 5], [0, 1]]);
});

test('the next timeline follows the last worker', () => {
  const page = fresh({}, {});
  for (const key of ['Home', 'ArrowDown', 'ArrowDown']) page.press(key);
  assert.deepStrictEqual([page.state.pick.panel.index, page.state.current, page.state.pick.w], [1, 1, 0]);
  page.press('ArrowUp');
  assert.deepStrictEqual([page.state.pick.panel.index, page.state.pick.w], [0, 1]);
});

test('W and N lead to what a slot waits for and to what needs it', () => {
  const page = fresh();
  for (const key of ['Home', 'n']) page.press(key);
  assert.deepStrictEqual(at(page), [0, 2], 'of what needs it, its gradient ends last');
  page.press('w');
  assert.deepStrictEqual(at(page), [1, 6]);
});

test('time goes by ticks from the ends, and stays within', () => {
  const page = fresh(), go = (key) => { page.press(key); return page.state.time; };
  assert.deepStrictEqual(['.', '.', ',', ',', ','].map(go), [0, 1, 0, 0, 0]);
  page.press('Escape');
  assert.strictEqual(page.state.time, null);
  assert.deepStrictEqual([',', '.'].map(go), [8, 8]);
});

test('bubbles and synchronisation exclude each other', () => {
  const page = load(pageOf(panelOf(twoStages(), {reductions: [[slot(0, 0, 0, 6, 8)], []]})));
  page.press('b');
  page.press('s');
  assert.deepStrictEqual([page.on.bubbles, page.on.sync], [false, true]);
  assert.deepStrictEqual(['bubbles', 'sync'].map((id) => page.elements[id].attributes['aria-pressed']),
    ['false', 'true']);
});

test('no difference without a prediction', () => {
  const one = fresh(), two = fresh({}, {against: 0});
  for (const page of [one, two]) page.press('D', {shiftKey: true});
  assert.deepStrictEqual([one.on.difference, two.on.difference], [false, true]);
  assert.strictEqual(one.elements.difference.hidden, true);
});

test('digits hide and show timelines, but the last one stays', () => {
  const page = fresh({}, {}, {});
  for (const key of ['1', '3', '2', '9']) page.press(key);
  assert.deepStrictEqual(page.panels.map((p) => p.shown), [false, true, false]);
  assert.strictEqual(page.state.current, 1, 'cards speak of one that is shown');
});

test('keys with Ctrl, keys in the search field and under the help are the browser\'s', () => {
  const page = fresh();
  page.press('ArrowRight', {ctrlKey: true});
  page.press('b', {target: page.elements.search});
  page.press('?');
  page.press('b');
  assert.deepStrictEqual([page.state.pick, page.on.bubbles, page.elements.help.open], [null, false, true]);
});

test('Escape lets go of everything', () => {
  const page = fresh();
  for (const key of ['Home', 'c', 'b', '.']) page.press(key);
  page.press('Escape');
  assert.deepStrictEqual([page.state.pick, page.state.time, page.on.critical, page.on.bubbles],
    [null, null, false, false]);
});
