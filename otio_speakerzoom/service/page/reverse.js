/** Plays in reverse, which video elements do not: seeks to earlier and earlier frames in real time. */

export class Reverse {
  /**
   * @param {import("./seeker.js").Seeker} seeker
   * @param {() => void} onStart is called when the first frame is reached
   */
  constructor(seeker, onStart) {
    this._seeker = seeker;
    this._onStart = onStart;
    this._run = null;
  }

  get active() {
    return this._run !== null;
  }

  /**
   * Begin, or go on from another frame or at another speed.
   * @param {number} frame
   * @param {number} speed times the recorded speed, positive
   * @param {number} first frame at which to stop
   */
  begin(frame, speed, first) {
    const wasActive = this.active;
    this._run = { frame, speed, first, since: performance.now() };
    if (!wasActive) requestAnimationFrame(() => this._goOn());
  }

  stop() {
    this._run = null;
  }

  _goOn() {
    if (!this._run) return;
    const { frame, speed, first, since } = this._run;
    const seconds = (performance.now() - since) / 1000;
    const target = Math.round(frame - seconds * speed * this._seeker.clock.rate);
    if (target <= first) {
      this.stop();
      this._seeker.seek(first);
      this._onStart();
      return;
    }
    // a slow seek skips frames: reverse keeps its speed
    if (this._seeker.goal === null) this._seeker.seek(target);
    requestAnimationFrame(() => this._goOn());
  }
}
