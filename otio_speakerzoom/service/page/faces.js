/** Face boxes of the source, read in windows around the frame on the screen. */

import { getJson } from "./api.js";

/** Frames in one request: the most that the service gives. */
const WINDOW = 1000;
/** Windows that stay in memory: five people in one take about 100 kB. */
const MAX_WINDOWS = 24;

export class Faces {
  /** @param {() => void} onChange is called when boxes have arrived */
  constructor(onChange) {
    this._onChange = onChange;
    /** @type {Map<number, {person: number, start: number, boxes: number[][]}[] | null>} */
    this._windows = new Map();
  }

  /** Forget everything: people have changed. */
  clear() {
    this._windows.clear();
    this._onChange();
  }

  /**
   * The boxes in a frame, as far as they have arrived. Also reads the next window before it is used.
   * @param {number} frame
   * @param {number} last frames of the source
   * @returns {{person: number, box: number[]}[]}
   */
  at(frame, last) {
    const index = Math.floor(frame / WINDOW);
    this._load(index, last);
    if (frame % WINDOW > WINDOW / 2) this._load(index + 1, last);
    const results = [];
    for (const { person, start, boxes } of this._windows.get(index) ?? []) {
      const box = boxes[frame - start];
      if (box) results.push({ person, box });
    }
    return results;
  }

  async _load(index, last) {
    const start = index * WINDOW;
    const windows = this._windows;
    if (start >= last || windows.has(index)) return;
    windows.set(index, null);
    if (windows.size > MAX_WINDOWS) windows.delete(windows.keys().next().value);
    const end = Math.min(last, start + WINDOW);
    try {
      const { faces } = await getJson(`api/faces?start=${start}&end=${end}`);
      if (!windows.has(index)) return;
      windows.set(index, faces);
      this._onChange();
    } catch {
      // the service is away: ask again in five seconds, when it may be there
      setTimeout(() => windows.get(index) === null && windows.delete(index), 5000);
    }
  }
}
