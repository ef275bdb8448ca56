/** Signals of the whole source as minima and maxima, read by level and window, with a cache. */

import { getBytes } from "./api.js";

/** Bins in one request. */
const TILE = 1024;
/** Tiles that stay in memory: of five people one takes 10 kB. */
const MAX_TILES = 400;
/** Requests at a time: browsers open six connections to a host, and the media needs some. */
const MAX_REQUESTS = 3;
/** Levels up to which a coarser tile stands in for one that is on its way. */
const MAX_STAND_IN = 8;
/** Milliseconds until requests go on after one has failed. */
const RETRY_MS = 2000;

/** One signal of the service, with one or more rows. Level k has bins of 2^k units. */
export class Pyramid {
  /**
   * @param {string} path such as "api/ribbons"
   * @param {{rows: number, unitsPerFrame: number, frames: number, signed: boolean}} shape
   * @param {() => void} onChange is called when a tile has arrived
   */
  constructor(path, { rows, unitsPerFrame, frames, signed }, onChange) {
    this.rows = rows;
    this.unitsPerFrame = unitsPerFrame;
    this._path = path;
    this._units = frames * unitsPerFrame;
    this._array = signed ? Int8Array : Uint8Array;
    this._onChange = onChange;
    /** @type {Map<string, {data: any, bins: number}|null>} */
    this._tiles = new Map();
    this._queue = [];
    this._requests = 0;
    this._isAway = false;
    /** The highest level: one tile has the whole source. */
    this.top = Math.max(0, Math.ceil(Math.log2(this._units / (TILE / 2))));
  }

  /** The level whose bins are about as wide as a pixel. */
  levelFor(framesPerPixel) {
    const level = Math.round(Math.log2(framesPerPixel * this.unitsPerFrame));
    return Math.max(0, Math.min(this.top, level));
  }

  /**
   * Read frames from `start` to `end` at a level, as far as they have arrived.
   * @returns {{first: number, count: number, framesPerBin: number, values: Int16Array[]}} `values`
   *   has a row for each row of the signal: minimum and maximum of each bin from bin `first` on
   */
  read(level, start, end) {
    const size = 2 ** level;
    const bins = Math.ceil(this._units / size);
    const first = Math.max(0, Math.floor((start * this.unitsPerFrame) / size));
    const last = Math.min(bins, Math.ceil((end * this.unitsPerFrame) / size));
    const count = Math.max(0, last - first);
    const values = Array.from({ length: this.rows }, () => new Int16Array(2 * count));
    this._queue = [];
    for (let at = first; at < last; ) {
      const index = Math.floor(at / TILE);
      const stop = Math.min(last, (index + 1) * TILE);
      this._copy(level, index, at, stop, first, values);
      at = stop;
    }
    this._prefetch(level, Math.floor(first / TILE) - 1, Math.floor(last / TILE) + 1);
    this._pump();
    return { first, count, framesPerBin: size / this.unitsPerFrame, values };
  }

  _copy(level, index, from, to, first, values) {
    let [tile, up] = [this._tile(level, index), 0];
    for (let coarse = 1; !tile && coarse <= MAX_STAND_IN && level + coarse <= this.top; coarse += 1) {
      tile = this._tiles.get(`${level + coarse}/${index >> coarse}`);
      up = coarse;
    }
    if (!tile) return;
    const origin = (index >> up) * TILE;
    for (let row = 0; row < this.rows; row += 1) {
      const offset = row * tile.bins;
      for (let bin = from; bin < to; bin += 1) {
        const at = Math.min(tile.bins - 1, (bin >> up) - origin);
        values[row][2 * (bin - first)] = tile.data[2 * (offset + at)];
        values[row][2 * (bin - first) + 1] = tile.data[2 * (offset + at) + 1];
      }
    }
  }

  /** A tile, if it is there; else it is asked for. */
  _tile(level, index) {
    const key = `${level}/${index}`;
    const tile = this._tiles.get(key);
    if (tile === undefined) this._queue.push([level, index]);
    else if (tile) {
      this._tiles.delete(key); // to the end: the first one is the one not used for longest
      this._tiles.set(key, tile);
    }
    return tile ?? null;
  }

  _prefetch(level, ...indices) {
    const tiles = Math.ceil(this._units / 2 ** level / TILE);
    for (const index of indices) {
      const isNew = index >= 0 && index < tiles && !this._tiles.has(`${level}/${index}`);
      if (isNew) this._queue.push([level, index]);
    }
  }

  _pump() {
    while (!this._isAway && this._requests < MAX_REQUESTS && this._queue.length) {
      const [level, index] = this._queue.shift();
      const key = `${level}/${index}`;
      if (this._tiles.has(key)) continue;
      this._tiles.set(key, null); // on its way
      this._requests += 1;
      this._load(level, index, key).finally(() => {
        this._requests -= 1;
        this._pump();
      });
    }
  }

  async _load(level, index, key) {
    const start = index * TILE;
    const end = Math.min(Math.ceil(this._units / 2 ** level), start + TILE);
    const tiles = this._tiles;
    try {
      const bytes = await getBytes(`${this._path}/${level}?start=${start}&end=${end}`);
      if (!bytes || !tiles.has(key)) return; // there is no such signal, or people have changed
      const data = new this._array(bytes);
      tiles.set(key, { data, bins: data.length / this.rows / 2 });
      if (tiles.size > MAX_TILES) tiles.delete(tiles.keys().next().value);
      this._onChange();
    } catch {
      tiles.delete(key);
      this._wait();
    }
  }

  /** The service is away, or still computes the signal: ask later for what is then on the screen. */
  _wait() {
    if (this._isAway) return;
    this._isAway = true;
    setTimeout(() => {
      this._isAway = false;
      this._onChange();
    }, RETRY_MS);
  }
}
