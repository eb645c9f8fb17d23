// SPDX-License-Identifier: Apache-2.0
// Unpacks the timelines: rows of bytes (render/base128.hpp) become arrays with an entry for each slot.

// ---- data: timelines as arrays
const byId = (id) => document.getElementById(id);
const input = JSON.parse(byId('timelines').textContent);
const FORWARD = 0, BACKWARD = 1, INPUT = 2, WEIGHT = 3, RECOMPUTE = 4;  // passes, then other actions
const PASSES = 5;
const UPDATE = input.actions.indexOf('update_weights');
const givesGradient = (op) => op === BACKWARD || op === INPUT;
const endsActivation = (op) => op === BACKWARD || op === WEIGHT;
// What has a colour, by number: eight hues of five passes, then these; DIFFERENCE and the eight after it go from shorter to longer.
const HUES = 8, PAINT_UPDATE = 40, PAINT_IDLE = 41, PAINT_SYNC = 42, DIFFERENCE = 43, PAINTS = 52;

class Reader {
  constructor(base64) {
    const text = atob(base64);
    this.bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; ++i) this.bytes[i] = text.charCodeAt(i);
    this.at = 0;
  }
  number() {
    let value = 0;
    for (let digit = 1; ; digit *= 128) {
      const byte = this.bytes[this.at++];
      value += (byte % 128) * digit;
      if (byte < 128) return value;
    }
  }
  signed() {
    const value = this.number();
    return value % 2 ? -(value + 1) / 2 : value / 2;
  }
}

/// The slots of all workers, row after row: row w is [offsets[w], offsets[w + 1]). Times are whole quanta.
class Rows {
  constructor(packed, workers, size) {
    this.size = size;
    this.offsets = new Int32Array(workers + 1);
    for (const name of ['op', 'count', 'lane']) this[name] = new Uint8Array(size);
    for (const name of ['pipeline', 'stage']) this[name] = new Uint16Array(size);
    for (const name of ['first', 'begin', 'end']) this[name] = new Int32Array(size);
    const from = new Reader(packed);
    let at = 0;
    for (let w = 0; w < workers; ++w) this.offsets[w + 1] = at = this.readRow(from, at);
  }
  readRow(from, start) {
    const kinds = [];
    for (let k = from.number(); k > 0; --k) {
      const [op, count, pipeline, stage, lane] = Array.from({length: 5}, () => from.number());
      kinds.push({op, count, pipeline, stage, lane: lane % HUES, first: -1, leap: 1, gap: 0, duration: 0});
    }
    const size = from.number();
    const order = new Uint32Array(size);  // kinds
    let at = 0, now = 0;
    const add = (number) => {
      const kind = kinds[number], i = start + at;
      order[at++] = number;
      kind.first += kind.leap;
      this.op[i] = kind.op;
      this.count[i] = kind.count;
      this.pipeline[i] = kind.pipeline;
      this.stage[i] = kind.stage;
      this.lane[i] = kind.lane;
      this.first[i] = kind.first;
      this.begin[i] = now + kind.gap;
      this.end[i] = now = now + kind.gap + kind.duration;
    };
    while (at < size) {
      const token = from.number();
      if (token === 0) {
        const period = from.number();
        for (let n = from.number(); n > 0; --n) add(order[at - period]);
        continue;
      }
      const number = (token - 1) >> 1;
      if (token % 2 === 0) {
        kinds[number].leap += from.signed();
        kinds[number].gap += from.signed();
        kinds[number].duration += from.signed();
      }
      add(number);
    }
    return start + size;
  }
  worker(i) {
    let low = 0, high = this.offsets.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.offsets[middle] <= i) low = middle; else high = middle;
    }
    return low;
  }
  /// The first slot of row w that ends after a time (the row's end where none does).
  firstAfter(w, time) {
    let low = this.offsets[w], high = this.offsets[w + 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.end[middle] > time) high = middle; else low = middle + 1;
    }
    return low;
  }
}

/// The critical path: indices of slots, in order.
function readChain(packed) {
  const from = new Reader(packed);
  let i = 0;
  return Array.from({length: from.number()}, () => (i += from.signed()));
}

class Panel {
  constructor(of, index) {
    Object.assign(this, of);
    this.index = index;
    this.shown = true;
    this.units = of.micro_batches * of.parts;
    this.rows = new Rows(of.rows, of.workers, of.steps);
    this.reductions = new Rows(of.reductions, of.workers, of.reduction_count);
    this.against = of.against >= 0 ? of.against : null;
    this.chain = readChain(of.chain);
    this.curves = new Map();
    this.paints = this.passPaints();
  }
  passPaints() {
    const {size, op, lane} = this.rows;
    const out = new Uint8Array(size);
    for (let i = 0; i < size; ++i) out[i] = op[i] < PASSES ? lane[i] * 5 + op[i] : PAINT_UPDATE;
    return out;
  }
  begin(i) { return this.rows.begin[i] * this.quantum; }
  end(i) { return this.rows.end[i] * this.quantum; }
  /// Whether slots i and i + 1 of a row share a stretch of time: a pair.
  paired(i) {
    const r = this.rows;
    if (i < 0 || i + 1 >= r.size || r.op[i] >= PASSES || r.op[i + 1] >= PASSES) return false;
    return r.begin[i + 1] >= r.begin[i] && r.begin[i + 1] < r.end[i] - 0.01 * (r.end[i] - r.begin[i]) && r.worker(i) === r.worker(i + 1);
  }
  /// 0: has the row to itself; 1, 2: the upper, the lower one of a pair. Forwards go above.
  half(i) {
    const next = this.paired(i);
    if (!next && !this.paired(i - 1)) return 0;
    const forward = this.rows.op[i] === FORWARD;
    const other = this.rows.op[next ? i + 1 : i - 1] === FORWARD;
    return forward !== other ? (forward ? 1 : 2) : (next ? 1 : 2);
  }
  /// The slot of worker w at a time; -1 where it is idle. `low`: the lower one of a pair.
  slotAt(w, time, low) {
    const at = time / this.quantum, r = this.rows;
    const i = r.firstAfter(w, at);
    if (i >= r.offsets[w + 1] || r.begin[i] > at) return -1;
    return this.paired(i) && this.half(i) !== (low ? 2 : 1) && r.begin[i + 1] <= at ? i + 1 : i;
  }
}
const panels = input.panels.map((of, index) => new Panel(of, index));
