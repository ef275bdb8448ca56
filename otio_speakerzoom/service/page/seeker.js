/** Seeks a video element to exact frames: verifies which picture came, and tries again. */

/** Parts of a frame to seek to, one after another, until the browser presents the frame. */
const PARTS = [0.5, 0.75, 0.95];
/** Milliseconds to wait for the picture after `seeked`: some frames at 24 a second, on a busy machine. */
const PICTURE_MS = 300;

/** One seek at a time; of many requests meanwhile only the last one counts, as when scrubbing. */
export class Seeker {
  /**
   * @param {HTMLVideoElement} video
   * @param {(frame: number) => void} onFrame receives the frame on the screen after each seek
   */
  constructor(video, onFrame) {
    this.video = video;
    this.onFrame = onFrame;
    /** @type {import("./time.js").FrameClock|null} */
    this.clock = null;
    /** The frame of the seek in progress. @type {number|null} */
    this.goal = null;
    this._next = null;
    this._tries = 0;
    this._pictureFrame = -1; // of the last picture
    video.addEventListener("seeked", () => this._waitForPicture());
  }

  /** The frame that the last request was for, while it is not on the screen. @returns {number|null} */
  get target() {
    return this._next ?? this.goal;
  }

  /** @param {number} frame */
  seek(frame) {
    if (this.goal !== null) {
      this._next = frame === this.goal ? null : frame;
      return;
    }
    this.goal = frame;
    this._tries = 0;
    this._seekNow();
  }

  /**
   * Take note of a picture on the screen; false if it is not from a seek.
   * @param {number} frame as its presentation time says
   */
  takePicture(frame) {
    this._pictureFrame = frame;
    if (this.goal === null) return false;
    const isStale = this.video.seeking && frame !== this.clock.span(this.goal).start;
    if (!isStale) this._arrive(frame);
    return true;
  }

  _seekNow() {
    this.video.currentTime = this.clock.timeOf(this.goal, PARTS[this._tries]);
  }

  /** Where the right picture is on the screen already, a browser may send no callback. */
  _waitForPicture() {
    const [goal, tries] = [this.goal, this._tries];
    if (goal === null) return;
    setTimeout(() => {
      const isCurrent = this.goal === goal && this._tries === tries;
      if (isCurrent && !this.video.seeking) this._arrive(this._pictureFrame);
    }, PICTURE_MS);
  }

  /** End the seek if this is its frame, else try again. */
  _arrive(frame) {
    const { start } = this.clock.span(this.goal);
    // while playing, a picture may be late
    const isLate = !this.video.paused && frame > start && frame < start + this.clock.rate;
    if (frame !== start && !isLate && this._tries < PARTS.length - 1) {
      this._tries += 1;
      this._seekNow();
      return;
    }
    // a frame that the file lacks has the picture before it, as in the film
    const isMissing = frame < start && this.video.paused;
    const result = frame === start || isMissing ? this.goal : frame;
    this.goal = null;
    this.onFrame(result);
    if (this._next === null) return;
    const next = this._next;
    this._next = null;
    this.seek(next);
  }
}
