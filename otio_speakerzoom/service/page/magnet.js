/** The magnet: where a cut snaps to while it is dragged. */

import { upperBound } from "./time.js";

/** Seconds within which a cut snaps: under a tenth of a second no ear or eye tells the difference. */
const REACH_S = 0.08;
/** The same in CSS pixels, so that a hand finds it at every zoom. */
const REACH_PX = 6;

export class Magnet {
  constructor() {
    this._frames = new Int32Array(0);
    this._names = [];
  }

  /**
   * Take the places to snap to.
   * @param {{pauses: number[][], turns: number[], camera_cuts: number[]}} marks
   */
  take({ pauses, turns, camera_cuts: cuts }) {
    const places = [
      ...cuts.map((frame) => [frame, "cut of the source"]),
      ...turns.map((frame) => [frame, "turn"]),
      ...pauses.flatMap(([start, end]) => [[start, "begin of a pause"], [end, "end of a pause"]]),
    ];
    places.sort((a, b) => a[0] - b[0]);
    this._frames = Int32Array.from(places, ([frame]) => frame);
    this._names = places.map(([, name]) => name);
  }

  /**
   * The place nearest to a frame within reach, else the frame itself with an empty name.
   * @param {number} frame
   * @param {{playhead: number, rate: number, framesPerPixel: number}} reach `framesPerPixel` of CSS
   * @returns {{frame: number, name: string}}
   */
  snap(frame, { playhead, rate, framesPerPixel }) {
    const reach = Math.max(REACH_S * rate, REACH_PX * framesPerPixel);
    let best = { frame, name: "" };
    let distance = reach;
    const consider = (place, name) => {
      const away = Math.abs(place - frame);
      if (away > distance || (away === distance && best.name)) return;
      best = { frame: place, name };
      distance = away;
    };
    consider(playhead, "playhead");
    const after = upperBound(this._frames, frame);
    for (const at of [after - 1, after]) {
      if (at >= 0 && at < this._frames.length) consider(this._frames[at], this._names[at]);
    }
    return best;
  }
}
