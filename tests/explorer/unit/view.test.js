// SPDX-License-Identifier: Apache-2.0
// The arithmetic of zoom and layout.
'use strict';
const assert = require('assert');
const test = require('node:test');
const {load} = require('./browser.js');
const {FORWARD, pageOf, panelOf, slot, twoStages} = require('./pages.js');

const near = (found, expected) =>
  assert.ok(Math.abs(found - expected) < 1e-9 * Math.max(1, Math.abs(expected)), `${found}, not ${expected}`);
const fresh = (more = {}) => load(pageOf(panelOf(twoStages(), more)));
const many = (workers) =>
  load(pageOf(panelOf(Array.from({length: workers}, (_, w) => [slot(FORWARD, w, 0, w, w + 1)]))));

test('all of time is seen at first, with a margin of ten pixels', () => {
  const {view, x, panels} = fresh();
  near(x(0), view.gutter);
  near(x(panels[0].makespan), view.width - 10);
});

test('time at a pixel is the inverse of the pixel of a time', () => {
  const {x, timeAt, zoom} = fresh();
  zoom(3, 500);
  for (const time of [0, 0.5, 7.25]) near(timeAt(x(time)), time);
});

test('zooming keeps the time under the pointer', () => {
  const {timeAt, zoom} = fresh(), before = timeAt(500);
  for (const factor of [1.5, 1.5, 1 / 1.2]) {
    zoom(factor, 500);
    near(timeAt(500), before);
  }
});

test('zooming ends at one tick and at all of time', () => {
  const {view, zoom, panels} = fresh(), plot = view.width - view.gutter - 10;
  zoom(1e9);
  near(view.scale, plot / panels[0].tick);
  zoom(1e-9);
  near(view.scale, plot / panels[0].makespan);
  assert.strictEqual(view.from, 0);
});

test('panning ends at the first and the last slot', () => {
  const {view, zoom, pan, timeAt, panels} = fresh();
  zoom(2);
  pan(1e6, 0);
  assert.strictEqual(view.from, 0);
  pan(-1e6, 0);
  near(timeAt(view.width - 10), panels[0].makespan);
});

test('resizing keeps all of time in view, and a part as it was', () => {
  const {view, zoom, resize, x, panels, elements} = fresh();
  for (const width of [1600, 700]) {
    elements.chart.clientWidth = width;
    resize();
    near(x(panels[0].makespan), width - 10);
  }
  zoom(2);
  const {scale} = view;
  elements.chart.clientWidth = 1200;
  resize();
  assert.strictEqual(view.scale, scale);
});

test('thousands of rows are lower than a pixel, and all are seen', () => {
  const {view, contentHeight} = many(5000);
  assert.ok(view.pitch < 1 && view.pitch > 0);
  assert.ok(contentHeight() <= view.height);
});

test('rows are zoomed about a place, between the lowest and ninety pixels', () => {
  const {view, zoomRows, lowestPitch} = many(50);
  zoomRows(1e6, 100);
  assert.strictEqual(view.pitch, 90);
  zoomRows(1e-6, 100);
  near(view.pitch, lowestPitch());
  assert.strictEqual(view.top, 0);
});

test('timelines stand one under the other; a hidden one takes no room', () => {
  const {view, blocks, panels} = load(pageOf(panelOf(twoStages()), panelOf(twoStages())));
  const all = blocks();
  assert.strictEqual(all[1].head, all[0].end);
  near(all[0].end - all[0].rows, 2 * view.pitch + 4);
  assert.ok(all[0].rows > all[0].head);
  panels[0].shown = false;
  assert.deepStrictEqual(blocks().map((b) => [b.panel.index, b.head]), [[1, 0]]);
});

test('the parts of a row add up to its height', () => {
  const {view, on, rowParts, panels} = fresh({reductions: [[slot(0, 0, 0, 6, 8)], []]});
  for (const pitch of [0.1, 3.9, 4, 8, 10, 30, 90]) {
    view.pitch = pitch;
    on.strips = pitch === 90;
    const {slots, bar, strip, gap} = rowParts(panels[0]);
    near(slots + bar + strip + gap, pitch);
    assert.ok(slots > pitch / 3 && (bar > 0) === (pitch >= 8) && (strip > 0) === (pitch === 90));
  }
});

test('a target: slot, bubble, reduction, nothing', () => {
  const page = fresh({reductions: [[slot(0, 0, 0, 6, 8)], []]}), {view, x, targetAt, rowParts, panels: [panel]} = page;
  const top = (w) => 26 + page.blocks()[0].rows + w * view.pitch, {slots} = rowParts(panel);
  assert.strictEqual(targetAt(x(0.5), top(0) + 1).i, 0);
  assert.deepStrictEqual(targetAt(x(3), top(0) + 1).idle, [2, 4]);
  assert.deepStrictEqual(targetAt(x(0.5), top(1) + 1).idle, [0, 1]);
  assert.deepStrictEqual(targetAt(x(7.5), top(1) + 1).idle, [7, 8]);
  assert.strictEqual(targetAt(x(7), top(0) + slots + 1).reduction, 0);
  const outside = [[view.gutter - 1, top(0)], [x(1), 20], [x(8.01), top(0)], [x(1), 5000]];
  for (const [px, py] of outside) assert.strictEqual(targetAt(px, py), null);
  page.zoom(2, view.width);
  assert.strictEqual(targetAt(view.gutter - 1, top(0) + 1), null, 'time that the names hide');
});

test('a target is brought into view', () => {
  const page = many(50), {view, zoom, zoomRows, reveal, x} = page;
  zoom(20, view.gutter);
  zoomRows(1e6);
  reveal({panel: page.panels[0], w: 49, i: 49});
  assert.ok(x(49) >= view.gutter && x(50) <= view.width);
  assert.ok(view.top > 0);
});

test('ticks of the axis are 1, 2 or 5 times a power of ten apart, at least 70 pixels', () => {
  const {view, axisStep} = load({...pageOf(panelOf(twoStages())), unit: 's'});
  for (const [scale, step] of [[70, 1], [69.9, 2], [35, 2], [34, 5], [14, 5], [13, 10], [7e6, 1e-5], [0.007, 1e4]]) {
    view.scale = scale;
    near(axisStep(), step);
  }
});

test('an axis of ticks has no parts of ticks', () => {
  const {view, axisStep} = fresh();
  view.scale = 7000;
  assert.strictEqual(axisStep(), 1);
});
