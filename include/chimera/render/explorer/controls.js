// SPDX-License-Identifier: Apache-2.0
// Connects pointer, keys, buttons, theme and paper; then draws the first frame.

// ---- input: pointer, keys, buttons
/// After a change of colours or toggles.
function restyle() {
  readColours();
  hatching = null;
  ++look;
  showLegend();
  showStatus();
  changed();
}
function toggle(name) {
  if (name === 'difference' && !panels.some((p) => p.against !== null)) return;
  on[name] = !on[name];
  byId(name).setAttribute('aria-pressed', on[name]);
  if (name === 'bubbles' && on.bubbles && on.sync) toggle('sync');
  if (name === 'sync' && on.sync && on.bubbles) toggle('bubbles');
  if (name === 'difference') for (const p of panels) p.paints = on.difference ? differencePaints(p) : p.passPaints();
  if (name === 'strips') fit();
  restyle();
  say(byId(name).textContent + (on[name] ? ' on. ' : ' off. ') + byId('status').textContent);
}

/// Chooses a slot: shows it, reads it out, makes its timeline the current one.
function pick(target, quietly) {
  state.pick = target;
  if (target) {
    setCurrent(target.panel.index);
    reveal(target);
    if (!quietly) say(spoken(target));
  }
  showDetails();
  changed();
}
function setCurrent(index) {
  if (state.current === index) return;
  state.current = index;
  showCards();
  showStatus();
}
const firstTarget = () => { const panel = shownPanels()[0] || panels[0]; return {panel, w: 0, i: panel.rows.offsets[0] < panel.rows.offsets[1] ? panel.rows.offsets[0] : -1}; };

function stepSlot(by) {
  if (!state.pick) return pick(firstTarget());
  const {panel, w, i, idle} = state.pick, r = panel.rows;
  const from = i >= 0 ? i + by : r.firstAfter(w, (idle ? idle[0] : 0) / panel.quantum) + (by > 0 ? 0 : -1);
  if (from < r.offsets[w] || from >= r.offsets[w + 1]) return say(by > 0 ? 'last slot' : 'first slot');
  pick({panel, w, i: from});
}
function stepWorker(by) {
  if (!state.pick) return pick(firstTarget());
  let {panel, w} = state.pick;
  const time = state.pick.i >= 0 ? (panel.begin(state.pick.i) + panel.end(state.pick.i)) / 2 : state.pick.idle ? state.pick.idle[0] : 0;
  w += by;
  if (w < 0 || w >= panel.workers) {
    const all = shownPanels(), next = all[all.indexOf(panel) + by];
    if (!next) return say(by > 0 ? 'last worker' : 'first worker');
    panel = next;
    w = by > 0 ? 0 : next.workers - 1;
  }
  const i = panel.slotAt(w, Math.min(time, panel.makespan), false);
  pick(i >= 0 ? {panel, w, i} : {panel, w, i: -1, idle: idleAround(panel, w, Math.min(time, panel.makespan))});
}
function jump(to) {
  if (!state.pick || state.pick.i < 0) return;
  const {panel, i} = state.pick, j = lastOf(panel, to(panel, i).filter((k, at, all) => all.length === 1 || panel.rows.worker(k) !== state.pick.w || at < all.length - 1));
  if (j >= 0) pick({panel, w: panel.rows.worker(j), i: j});
}
function stepTime(by) {
  const panel = panels[state.current], tick = panel.tick;
  state.time = state.time === null ? (by > 0 ? 0 : panel.makespan) : Math.min(Math.max(Math.round(state.time / tick + by) * tick, 0), panel.makespan);
  const plot = (view.width - view.gutter - 10) / view.scale;
  if (state.time < view.from || state.time > view.from + plot) view.from = state.time - plot / 2;
  clampView();
  say(showStatus());
  changed();
}
let playing = 0;
function play() {
  clearInterval(playing);
  playing = playing ? 0 : setInterval(() => { stepTime(1); if (state.time >= panels[state.current].makespan) play(); }, 250);
  if (playing && state.time >= panels[state.current].makespan) state.time = 0;
  byId('play').setAttribute('aria-pressed', Boolean(playing));
}
function find(text) {
  state.found = /^\s*\d+\s*$/.test(text) ? Number(text) : null;
  say(showStatus());
  changed();
}
function showPanel(index) {
  const panel = panels[index];
  if (!panel || (panel.shown && shownPanels().length === 1)) return;
  panel.shown = !panel.shown;
  if (!panel.shown && state.pick && state.pick.panel === panel) state.pick = null;
  if (!panels[state.current].shown) setCurrent(shownPanels()[0].index);
  byId('families').children[index].setAttribute('aria-pressed', panel.shown);
  fit();
}
function letGo() {
  state.pick = state.hover = state.time = state.found = null;
  byId('search').value = '';
  for (const name of Object.keys(on)) if (on[name] && name !== 'strips') toggle(name);
  showTip(null);
  showDetails();
  showStatus();
  changed();
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  byId('theme').textContent = name === 'dark' ? 'Light' : 'Dark';
  restyle();
}
const system = matchMedia('(prefers-color-scheme: dark)');
const systemTheme = () => setTheme(system.matches ? 'dark' : 'light');

const actions = {
  'in': () => zoom(1.5), out: () => zoom(1 / 1.5), fit, 'slot-back': () => stepSlot(-1), 'slot-on': () => stepSlot(1),
  'tick-back': () => stepTime(-1), 'tick-on': () => stepTime(1), play,
  theme: () => setTheme(dark() ? 'light' : 'dark'), keys: () => byId('help').showModal(),
};
for (const name of Object.keys(on)) actions[name] = () => toggle(name);
for (const [name, action] of Object.entries(actions)) byId(name).onclick = action;
byId('search').oninput = (event) => find(event.target.value);

const keys = {
  ArrowLeft: () => stepSlot(-1), ArrowRight: () => stepSlot(1), ArrowUp: () => stepWorker(-1), ArrowDown: () => stepWorker(1),
  Home: () => { const {panel, w} = state.pick || firstTarget(); pick({panel, w, i: panel.rows.offsets[w]}); },
  End: () => { const {panel, w} = state.pick || firstTarget(); pick({panel, w, i: panel.rows.offsets[w + 1] - 1}); },
  w: () => jump(waitsFor), n: () => jump(neededBy), ',': () => stepTime(-1), '.': () => stepTime(1), ' ': play,
  '+': actions.in, '=': actions.in, '-': actions.out, '0': fit, c: actions.critical, b: actions.bubbles, s: actions.sync, m: actions.strips,
  '[': () => zoomRows(0.8), ']': () => zoomRows(1.25), d: actions.difference, t: actions.theme, '/': () => byId('search').focus(), '?': actions.keys, Escape: letGo,
  PageUp: () => pan(0, view.height / 2), PageDown: () => pan(0, -view.height / 2),
};
const shifted = {
  ArrowLeft: () => pan(120, 0), ArrowRight: () => pan(-120, 0), ArrowUp: () => pan(0, 80), ArrowDown: () => pan(0, -80),
};
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId('help').open) return;
  const typing = event.target === byId('search');
  if (typing && event.key !== 'Escape') return;
  if (event.target.tagName === 'BUTTON' && (event.key === ' ' || event.key === 'Enter')) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = (event.shiftKey && shifted[name]) || keys[name] || (/^[1-9]$/.test(name) && panels.length > 1 ? () => showPanel(Number(name) - 1) : null);
  if (!action) return;
  event.preventDefault();
  if (typing) chart.focus();
  action();
});

const place = (event) => { const box = chart.getBoundingClientRect(); return [event.clientX - box.left - 1, event.clientY - box.top - 1]; };
chart.addEventListener('wheel', (event) => {
  event.preventDefault();
  const [px, py] = place(event), by = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
  if (event.ctrlKey) zoomRows(Math.exp(-by * 0.002), py);
  else if (px < view.gutter) pan(0, -by);
  else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) pan(-event.deltaX, 0);
  else zoom(Math.exp(-by * 0.002), px);
  hover(event);
}, {passive: false});

const fingers = new Map();
let dragged = 0;
function hover(event) {
  const target = targetAt(...place(event)), was = state.hover;
  const same = (a, b) => a === b || (a && b && a.panel === b.panel && a.w === b.w && a.i === b.i && a.reduction === b.reduction && String(a.idle) === String(b.idle));
  if (!same(target, was)) { state.hover = target; showDetails(); changed(); }
  showTip(target, event.clientX, event.clientY);
}
chart.addEventListener('pointerdown', (event) => {
  chart.focus({preventScroll: true});
  chart.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, event);
  dragged = 0;
});
chart.addEventListener('pointermove', (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return hover(event);
  const others = [...fingers.values()].filter((f) => f.pointerId !== event.pointerId);
  if (others.length) {  // two fingers: zoom
    const apart = (f) => Math.hypot(f.clientX - others[0].clientX, f.clientY - others[0].clientY);
    zoom(apart(event) / Math.max(apart(before), 1), place(event)[0]);
  } else pan(event.clientX - before.clientX, event.clientY - before.clientY);
  dragged += Math.abs(event.clientX - before.clientX) + Math.abs(event.clientY - before.clientY);
  fingers.set(event.pointerId, event);
  chart.classList.toggle('dragging', dragged > 4);
  if (dragged > 4) showTip(null);
});
const release = (event) => {
  if (fingers.delete(event.pointerId) && dragged <= 4 && event.type === 'pointerup') pick(targetAt(...place(event)));
  chart.classList.remove('dragging');
};
chart.addEventListener('pointerup', release);
chart.addEventListener('pointercancel', release);
chart.addEventListener('pointerleave', () => { state.hover = null; showTip(null); showDetails(); changed(); });
chart.addEventListener('dblclick', (event) => zoom(event.shiftKey ? 0.5 : 2, place(event)[0]));

// Paper: the whole of time in light colours, a picture for each timeline, so that pages break between them.
let kept = null;
window.addEventListener('beforeprint', () => {
  if (kept) return;
  const shown = shownPanels();
  kept = {...view, theme: document.documentElement.dataset.theme};
  printing = true;
  document.documentElement.dataset.theme = 'light';
  restyle();
  chart.style.width = '1040px';
  byId('paper').replaceChildren(...shown.map((panel) => {
    for (const p of panels) p.shown = p === panel;
    fit();
    frame();
    const copy = element('canvas');
    copy.width = chart.width;
    copy.height = chart.height;
    copy.getContext('2d').drawImage(chart, 0, 0);
    return copy;
  }));
  for (const p of panels) p.shown = shown.includes(p);
});
window.addEventListener('afterprint', () => {
  printing = false;
  chart.style.width = '';
  byId('paper').replaceChildren();
  document.documentElement.dataset.theme = kept.theme;
  restyle();
  measure();
  Object.assign(view, {from: kept.from, scale: kept.scale, top: kept.top, pitch: kept.pitch});
  kept = null;
  clampView();
  changed();
});

if (panels.length > 1) {
  byId('families').hidden = false;
  byId('families').replaceChildren(...panels.map((p, index) => {
    const button = element('button', p.title);
    button.setAttribute('aria-pressed', 'true');
    button.title = p.caption;
    button.onclick = () => showPanel(index);
    return button;
  }));
}
byId('difference').hidden = !panels.some((p) => p.against !== null);
byId('sync').hidden = !panels.some((p) => p.reductions.size);
system.addEventListener('change', systemTheme);
window.addEventListener('resize', resize);
showCards();
showDetails();
systemTheme();
fit();
setTimeout(() => panels.forEach(makers), 100);  // before a pointer asks for it
window.explorer = {panels, view, state, on, frames, limits, headText, waitsFor, neededBy, activations, targetAt, x, rowTop, blocks, zoom, pan, counterpart};
