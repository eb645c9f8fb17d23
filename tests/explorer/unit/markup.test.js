// SPDX-License-Identifier: Apache-2.0
// Script, style sheet and markup name each other: each name has its other end.
'use strict';
const assert = require('assert');
const fs = require('fs');
const path = require('path');
const test = require('node:test');
const {load, scripts, source} = require('./browser.js');
const {pageOf, panelOf, twoStages} = require('./pages.js');

const css = source('style.css').replace(/\/\*.*?\*\//gs, ''), body = source('body.html');
const script = scripts.map((name) => source(`${name}.js`)).join('');
const writer = path.join(__dirname, '../../../include/chimera/render/html.hpp');
const around = fs.readFileSync(writer, 'utf8').replace(/\\"/g, '"');
const all = (text, pattern) => [...text.matchAll(pattern)].map((found) => found[1]);
const ids = [...all(body, /\bid="([^"]+)"/g), ...all(around, /\bid="([^"]+)"/g)];

test('an id stands once', () => assert.deepStrictEqual(ids.filter((id, k) => ids.indexOf(id) !== k), []));

test('each element that the script asks for is there', () => {
  const asked = all(script, /byId\('([^']+)'\)/g);
  assert.ok(asked.length > 20);
  assert.deepStrictEqual(asked.filter((id) => !ids.includes(id)), []);
});

test('each id and class of the style sheet is there', () => {
  const rules = css.replace(/\{[^{}]*\}/g, '{}');
  assert.deepStrictEqual(all(rules, /#([a-z-]+)/g).filter((id) => !ids.includes(id)), []);
  const classes = [...all(body, /class="([^"]+)"/g), ...all(script, /classList\.toggle\('([^']+)'/g)];
  assert.deepStrictEqual(all(rules, /\.([a-z]+)/g).filter((name) => !classes.includes(name)), []);
});

test('both themes have the same colours, and no rule asks for another', () => {
  const [light, dark] = all(css, /:root[^{]*\{([^}]*)\}/g).map((block) => all(block, /(--[a-z-]+):/g));
  assert.deepStrictEqual(dark, light);
  assert.deepStrictEqual(all(css, /var\((--[a-z-]+)\)/g).filter((name) => !light.includes(name)), []);
  const read = /for \(const name of \[([^\]]*)\]\)\s*theme/.exec(script)[1];
  assert.deepStrictEqual(all(read, /'([a-z]+)'/g).filter((name) => !light.includes('--' + name)), []);
});

test('braces of the style sheet close', () => {
  let depth = 0;
  for (const letter of css) {
    depth += letter === '{' ? 1 : letter === '}' ? -1 : 0;
    assert.ok(depth >= 0 && depth <= 2);
  }
  assert.strictEqual(depth, 0);
});

test('each button does something, and has a name', () => {
  const {elements} = load(pageOf(panelOf(twoStages())));
  const buttons = all(body, /<button id="([^"]+)"/g);
  assert.ok(buttons.length >= 15);
  assert.deepStrictEqual(buttons.filter((id) => typeof elements[id].onclick !== 'function'), []);
});

test('each key of the help is a key of the script', () => {
  const {keys} = load(pageOf(panelOf(twoStages())));
  const named = {'←': 'ArrowLeft', '→': 'ArrowRight', '↑': 'ArrowUp', '↓': 'ArrowDown', Esc: 'Escape', Space: ' '};
  const shown = all(body, /<kbd>([^<]+)<\/kbd>/g).filter((name) => !['Ctrl', 'Shift', '1', '9'].includes(name));
  const pressed = shown.map((name) => named[name] || (name.length === 1 ? name.toLowerCase() : name));
  assert.deepStrictEqual(pressed.filter((key) => !keys[key]), []);
});

test('nothing is loaded from anywhere', () => {
  assert.ok(source('head.html').includes('default-src \'none\''));
  const loads = /https?:|url\(|@import|\bimport\b|fetch\(|XMLHttpRequest/;
  for (const text of [css, body, script]) assert.ok(!loads.test(text));
});
