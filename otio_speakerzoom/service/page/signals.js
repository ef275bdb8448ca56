/** The signals that the timeline draws: ribbons of all people, voice activity, and the waveform. */

import { Pyramid } from "./pyramids.js";

/** Bins of the waveform in a frame at its lowest level. */
const PEAKS_PER_FRAME = 4;

export class Signals {
  /**
   * @param {any} model
   * @param {() => void} onChange is called when values have arrived
   */
  constructor(model, onChange) {
    this.model = model;
    this._onChange = onChange;
    const { source } = model.state;
    const shape = { rows: 1, unitsPerFrame: 1, frames: source.duration, signed: false };
    this._voice = new Pyramid("api/voice", shape, onChange);
    const peaks = { ...shape, unitsPerFrame: PEAKS_PER_FRAME, signed: true };
    this._peaks = source.has_audio !== false ? new Pyramid("api/peaks", peaks, onChange) : null;
    this.check();
  }

  /** Read the ribbons again where the people have changed. */
  check() {
    const ids = this.model.people.map(({ id }) => id).join();
    if (ids === this._ids) return;
    this._ids = ids;
    const shape = {
      rows: this.model.people.length,
      unitsPerFrame: 1,
      frames: this.model.state.source.duration,
      signed: false,
    };
    this._ribbons = shape.rows ? new Pyramid("api/ribbons", shape, this._onChange) : null;
  }

  /**
   * What the visible part needs, as far as it has arrived.
   * @param {import("./scale.js").Scale} scale
   */
  read(scale) {
    const readOne = (pyramid) =>
      pyramid && pyramid.read(pyramid.levelFor(scale.framesPerPixel), scale.start, scale.end);
    return {
      ribbons: readOne(this._ribbons),
      voice: readOne(this._voice),
      peaks: readOne(this._peaks),
    };
  }
}
