// SPDX-License-Identifier: Apache-2.0
// Draws more slots than can be drawn one by one: each pixel gets the mean colour of its stretch of time. A picture
// is made in slices of a few milliseconds; the one before is shown, moved and stretched, until it is ready.

// ---- dense: pictures of many slots, a pixel at a time
const limits = {
  shapes: 6000,  // drawn one by one; more become a picture
  slice: 5,      // ms of a frame that go into pictures
};

/// Mean colours of a row in `columns` pixels from a time on: `line` gets one value (ABGR) for each. Times in quanta.
function paintRow(line, rows, w, paintOf, from, perPixel, columns) {
  const {rgb} = paints, offsets = rows.offsets, end = rows.end, begin = rows.begin;
  const idleR = rgb[3 * PAINT_IDLE], idleG = rgb[3 * PAINT_IDLE + 1], idleB = rgb[3 * PAINT_IDLE + 2];
  const stop = offsets[w + 1];
  let column = -1, r = 0, g = 0, b = 0, covered = 0, done = 0;
  const flush = () => {
    if (column < 0) return;
    const rest = Math.max(0, 1 - covered), whole = Math.max(1, covered);
    line[column] = ~~((r + rest * idleR) / whole) | (~~((g + rest * idleG) / whole) << 8) | (~~((b + rest * idleB) / whole) << 16) | 0xff000000;
  };
  const add = (at, share, paint) => {
    if (at !== column) {
      flush();
      column = at;
      r = g = b = covered = 0;
    }
    covered += share;
    r += share * rgb[paint];
    g += share * rgb[paint + 1];
    b += share * rgb[paint + 2];
  };
  for (let i = rows.firstAfter(w, from); i < stop; ++i) {
    let left = (begin[i] - from) / perPixel, right = end[i];
    if (i + 1 < stop && begin[i + 1] < right) right = (begin[i + 1] + Math.min(right, end[i + 1])) / 2;  // a pair: half each
    right = (right - from) / perPixel;
    if (left < done) left = done;
    if (left >= columns) break;
    if (right > columns) right = columns;
    if (right <= left) continue;
    done = right;
    const paint = 3 * paintOf[i], first = ~~left, last = ~~right;
    if (first === last) {
      add(first, right - left, paint);
      continue;
    }
    add(first, first + 1 - left, paint);
    if (last > first + 1) {
      const value = rgb[paint] | (rgb[paint + 1] << 8) | (rgb[paint + 2] << 16) | 0xff000000;
      line.fill(value, first + 1, last);
    }
    if (last < columns && right > last) add(last, right - last, paint);
  }
  flush();
}

/// Reductions, where the worker does not compute.
function paintReductions(line, idle, rows, w, from, perPixel, columns) {
  const {rgb} = paints, at = 3 * PAINT_SYNC;
  const value = (rgb[at] | (rgb[at + 1] << 8) | (rgb[at + 2] << 16) | 0xff000000) >>> 0;
  for (let k = rows.offsets[w]; k < rows.offsets[w + 1]; ++k) {
    const left = Math.max(0, Math.floor((rows.begin[k] - from) / perPixel));
    const right = Math.min(columns, Math.ceil((rows.end[k] - from) / perPixel));
    for (let c = left; c < right; ++c) if (line[c] === idle) line[c] = value;
  }
}

const rgbValue = (paint) => (paints.rgb[3 * paint] | (paints.rgb[3 * paint + 1] << 8) | (paints.rgb[3 * paint + 2] << 16) | 0xff000000) >>> 0;

/// Makes the picture of a panel's rows as the view has them, a line for each row or, where rows are lower than a pixel, for each
/// pixel. Yields now and then; returns the picture.
function* makePicture(panel, block) {
  const columns = Math.max(1, Math.round((view.width - view.gutter) * view.dpr));
  const first = Math.max(0, Math.floor((view.top - block.rows) / view.pitch));
  const last = Math.min(panel.workers, Math.ceil((view.top + view.height - AXIS - block.rows) / view.pitch));
  const step = Math.max(1, 1 / (view.pitch * view.dpr));
  const lines = Math.max(1, Math.ceil((last - first) / step));
  const picture = {key: pictureKey(panel, block), from: view.from, scale: view.scale, columns, first, step, lines};
  const canvas = document.createElement('canvas');
  canvas.width = columns;
  canvas.height = lines;
  const context = canvas.getContext('2d');
  const image = context.createImageData(columns, lines);
  const pixels = new Uint32Array(image.data.buffer), idle = rgbValue(PAINT_IDLE);
  const from = view.from / panel.quantum, perPixel = 1 / (view.scale * view.dpr * panel.quantum), paintOf = panel.paints;
  pixels.fill(idle);
  for (let k = 0; k < lines; ++k) {
    const w = Math.min(Math.floor(first + (k + 0.5) * step), panel.workers - 1);
    const line = pixels.subarray(k * columns, (k + 1) * columns);
    paintRow(line, panel.rows, w, paintOf, from, perPixel, columns);
    if (panel.reductions.size) paintReductions(line, idle, panel.reductions, w, from, perPixel, columns);
    if (k % 4 === 3) yield;
  }
  context.putImageData(image, 0, 0);
  return Object.assign(picture, {canvas});
}
const pictureKey = (panel, block) => [view.from, view.scale, view.top - block.rows, view.pitch, view.width, view.height, view.dpr, look].join();
let look = 0;  // counts changes of colours

/// Works on the pictures that are out of date until the time is used up. Returns whether any is.
function workOnPictures(wanted, until) {
  let pending = false;
  for (const block of wanted) {
    const panel = block.panel;
    while (!panel.picture || panel.picture.key !== pictureKey(panel, block)) {
      if (!panel.job) panel.job = makePicture(panel, block);
      let result = panel.job.next();
      while (!result.done && performance.now() < until) result = panel.job.next();
      if (!result.done) { pending = true; break; }
      panel.picture = result.value;
      panel.job = null;
      if (performance.now() >= until && panel.picture.key !== pictureKey(panel, block)) { pending = true; break; }
    }
  }
  return pending;
}

/// Shows a panel's picture where its rows are now.
function showPicture(g, block) {
  const {panel} = block, p = panel.picture, rows = AXIS + block.rows - view.top;
  const left = view.gutter, right = Math.min(view.width, x(panel.makespan));
  g.fillStyle = paints.css[PAINT_IDLE];
  g.fillRect(left, rows, Math.max(0, right - left), panel.workers * view.pitch);
  if (!p) return;
  const at = x(p.from), wide = p.columns / view.dpr * (view.scale / p.scale);
  const top = rows + p.first * view.pitch, high = p.lines * p.step * view.pitch;
  g.save();
  g.beginPath();
  g.rect(left, rows, Math.max(0, right - left), panel.workers * view.pitch);
  g.clip();
  g.imageSmoothingEnabled = false;
  g.drawImage(p.canvas, at, top, wide, high);
  g.restore();
}
