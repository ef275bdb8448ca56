/** Frames, times and timecode: where each frame of the source lies on the clock of its media file. */

/** Seconds by which a time may miss a table's entry and still mean it: browsers count microseconds. */
const SLACK_S = 1e-5;

/**
 * Maps frames to times and back. At a constant rate this is arithmetic; where the rate varies, a
 * table has the time of the picture that the film shows as each frame.
 */
export class FrameClock {
  /**
   * @param {object} source
   * @param {[number, number]} source.rate frames per second, as numerator and denominator
   * @param {number} source.duration in frames
   * @param {number} [source.first_frame_time] seconds on the media's clock at which frame 0 begins
   * @param {number} [source.start] timecode of frame 0, in frames
   * @param {boolean} [source.drop_frame]
   * @param {Float64Array|null} [times] seconds of every frame, not descending
   */
  constructor(source, times = null) {
    [this.num, this.den] = source.rate;
    this.duration = source.duration;
    this.first = source.first_frame_time ?? 0;
    this.start = source.start ?? 0;
    this.dropFrame = source.drop_frame ?? false;
    this.times = times && times.length ? times : null;
    /** Frames that a second of timecode has: 30 at 29.97. */
    this.base = Math.round(this.num / this.den);
  }

  /** Frames per second, as a float: for speeds and distances, never to number a frame. */
  get rate() {
    return this.num / this.den;
  }

  /**
   * Seconds on the media's clock in the middle of a frame's picture: a seek to it is safe from
   * rounding.
   * @param {number} frame
   * @param {number} [part] which part of the frame, 0 at its begin and 1 at its end
   */
  timeOf(frame, part = 0.5) {
    if (!this.times) return this.first + ((frame + part) * this.den) / this.num;
    const { start, end } = this.span(frame);
    return this.times[start] + part * (this._timeAfter(end) - this.times[start]);
  }

  /**
   * The frame whose picture has this presentation time, the first of them where several frames show
   * one picture.
   * @param {number} mediaTime seconds
   */
  frameAt(mediaTime) {
    if (!this.times) return this._clamp(Math.round(((mediaTime - this.first) * this.num) / this.den));
    const after = upperBound(this.times, mediaTime + SLACK_S);
    return this.span(this._clamp(after - 1)).start;
  }

  /**
   * The frames that show the same picture as this one: from `start` up to `end`.
   * @param {number} frame
   */
  span(frame) {
    if (!this.times) return { start: frame, end: frame + 1 };
    const at = this._clamp(frame);
    const time = this.times[at];
    let [start, end] = [at, at + 1];
    while (start > 0 && this.times[start - 1] === time) start -= 1;
    while (end < this.times.length && this.times[end] === time) end += 1;
    return { start, end };
  }

  /**
   * Frames in a number of seconds, at least `least`.
   * @param {number} seconds
   * @param {number} [least]
   */
  frames(seconds, least = 0) {
    return Math.max(least, Math.round((seconds * this.num) / this.den));
  }

  /**
   * Timecode of a frame, with the source's own start: 01:00:00:00, or 01:00:00;00 in drop-frame.
   * @param {number} frame
   */
  label(frame) {
    let count = Math.round(frame) + this.start;
    const sign = count < 0 ? "-" : "";
    count = Math.abs(count);
    if (this.dropFrame) count += this._droppedLabels(count);
    const [seconds, frames] = [Math.floor(count / this.base), count % this.base];
    const parts = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
    const separator = this.dropFrame ? ";" : ":";
    return sign + parts.map(twoDigits).join(":") + separator + twoDigits(frames);
  }

  /**
   * Labels that drop-frame timecode has left out up to a frame: of each minute the first two at 29.97
   * (four at 59.94), but none in every tenth minute (SMPTE ST 12-1).
   */
  _droppedLabels(frame) {
    const each = this.base / 15;
    const minute = this.base * 60 - each;
    const ten = minute * 10 + each;
    const minutes = Math.max(0, Math.floor(((frame % ten) - each) / minute));
    return each * (9 * Math.floor(frame / ten) + minutes);
  }

  _timeAfter(end) {
    if (end < this.times.length) return this.times[end];
    return this.times[this.times.length - 1] + this.den / this.num;
  }

  _clamp(frame) {
    return Math.max(0, Math.min(this.duration - 1, frame));
  }
}

/**
 * The first index whose value is above `value`, in an ascending list.
 * @param {ArrayLike<number>} values
 * @param {number} value
 */
export function upperBound(values, value) {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The first index whose item begins after `frame`, in a list ordered by start.
 * @param {{start: number}[]} items
 * @param {number} frame
 */
export function firstAfter(items, frame) {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].start <= frame) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @param {number} value */
function twoDigits(value) {
  return String(value).padStart(2, "0");
}
