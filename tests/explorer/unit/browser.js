// SPDX-License-Identifier: Apache-2.0
// Loads the page's script with stand-ins for the browser.
'use strict';
const fs = require('fs');
const path = require('path');

const folder = path.join(__dirname, '../../../include/chimera/render/explorer');
const source = (name) => fs.readFileSync(path.join(folder, name), 'utf8');
const scripts = ['timelines', 'dependencies', 'view', 'pictures', 'frame', 'overlays', 'status_text', 'controls'];
const names = `Reader Rows readChain panels makers waitsFor neededBy lastOf activations pathOf counterpart
  differencePaints view state on x timeAt blocks contentHeight clampView lowestPitch fit resize zoom zoomRows pan
  reveal targetAt idleAround rowParts paints paintRow paintReductions upperBound seenSlots traceCurve slotBox
  axisStep marked headText trim percent timeUnit shortTime longTime duration signed plural microBatches slotName
  stageText fromTo describe relative momentText againstText actions keys shifted limits PAINT_IDLE PAINT_SYNC
  PAINT_UPDATE DIFFERENCE`.split(/\s+/);

/// A canvas' context that records its calls: [[name, ...arguments], ...].
function recorder(calls = []) {
  const own = {calls, measureText: (text) => ({width: 7 * text.length}), createPattern: () => ({})};
  return new Proxy(own, {get: (to, name) => (name in to ? to[name] : (...given) => { calls.push([name, ...given]); })});
}

/// An element of the page, as far as the script uses one.
class Element {
  constructor(id) {
    Object.assign(this, {id, textContent: '', value: '', style: {}, dataset: {}, attributes: {}, handlers: {}});
    Object.assign(this, {clientWidth: 1000, offsetWidth: 100, offsetHeight: 40, open: false, hidden: false});
    this.children = [];
    this.classList = {toggle: () => {}, remove: () => {}};
    this.context = recorder();
  }
  addEventListener(name, handler) { this.handlers[name] = handler; }
  setAttribute(name, value) { this.attributes[name] = String(value); }
  getBoundingClientRect() { return {left: 0, top: 200}; }
  getContext() { return this.context; }
  replaceChildren(...all) { this.children = all; }
  append(one) { this.children.push(one); }
  focus() {}
  setPointerCapture() {}
  showModal() { this.open = true; }
}

/// Runs the script on a page's data. Returns its names, the elements by id, and `press`, which presses a key.
function load(data) {
  const elements = {};
  const byId = (id) => (elements[id] = elements[id] || new Element(id));
  byId('timelines').textContent = JSON.stringify(data);
  const style = {getPropertyValue: (name) => (name === '--idle' ? '#eceef1' : '#102030')};
  const document = Object.assign(new Element('document'), {
    getElementById: byId, createElement: (name) => new Element(name), documentElement: new Element('root'),
  });
  const window = Object.assign(new Element('window'),
    {innerHeight: 900, innerWidth: 1200, scrollY: 0, devicePixelRatio: 1});
  const given = {
    document, window, matchMedia: () => new Element('query'), getComputedStyle: () => style,
    requestAnimationFrame: () => {}, setTimeout: () => {},
  };
  const text = scripts.map((name) => source(`${name}.js`)).join('');
  // The text is from files of this project, and has no other form that could be run.
  // eslint-disable-next-line no-new-func
  const run = new Function(...Object.keys(given), `'use strict';${text}\nreturn {${names.join()}};`);
  const page = run(...Object.values(given));
  const press = (key, more = {}) =>
    document.handlers.keydown({key, target: elements.chart, preventDefault: () => {}, ...more});
  return {...page, elements, press};
}

module.exports = {load, recorder, scripts, source};
