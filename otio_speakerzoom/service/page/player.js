/** Plays the source: exact frames, J K L, loops, and one event for every frame on the screen. */

import { FrameClock } from "./time.js";
import { Hold } from "./hold.js";
import { openMedia } from "./media.js";
import { PictureHolder } from "./picture_holder.js";
import { changedPoints, playedPart } from "./points.js";
import { Reverse } from "./reverse.js";
import { Seeker } from "./seeker.js";
import { Stills } from "./stills.js";

/** Speeds of J and L when they are pressed again, as in editing programs. */
const SPEEDS = [1, 2, 4];
/** Seconds before and after a cut in a loop around it. */
const AROUND_CUT_S = 1.5;

/**
 * The player of the page. `frame` is the frame of the source whose picture is on the screen. The
 * number comes from the presentation time in the callback of the picture, never from `currentTime`.
 *
 * Events: `picture` asks the views to draw; `frame` follows when they have drawn; `seek` says that
 * `target`, `play` that `playing` or `rate` has changed; `points` the same of `inPoint`, `outPoint`
 * and `looping`; `media` that another file plays; `unplayable` that neither the source nor a proxy does.
 */
export class Player extends EventTarget {
  /**
   * @param {HTMLVideoElement} video
   * @param {EventTarget & {state: any}} model
   */
  constructor(video, model) {
    super();
    this.video = video;
    this.model = model;
    this.frame = 0;
    this.playing = false;
    /** Speed: 1 as recorded, negative in reverse. */
    this.rate = 1;
    /** @type {number|null} */
    this.inPoint = null;
    /** First frame after the part from `inPoint`. @type {number|null} */
    this.outPoint = null;
    /** @type {{start: number, end: number}|null} */
    this.looping = null;
    /** @type {FrameClock|null} */
    this.clock = null;
    /** Whether the proxy plays in place of the source. */
    this.usesProxy = false;
    /** Whether only stills can be shown, until a proxy is there. */
    this.stills = false;
    /** Whether there is a picture to draw. */
    this.ready = false;
    this._seeker = new Seeker(video, (frame) => this._show(frame));
    this._reverse = new Reverse(this._seeker, () => this._set(false, 1));
    this._pictures = new PictureHolder(video);
    this._stills = new Stills((frame, image) => this._showStill(frame, image));
    this._isOpening = false;
    this._hold = new Hold(video, (frame) => this._seeker.goal === null && this._show(frame));
    video.addEventListener("pause", () => this._onBrowserPause());
    video.addEventListener("ended", () => this.pause());
    video.requestVideoFrameCallback((now, metadata) => this._onPicture(metadata));
    model.addEventListener("state", () => this._onState());
  }

  /** Load the source, or its proxy where the browser plays only that; then show the first frame. */
  async open() {
    if (this._isOpening) return;
    const source = this.model.state.source;
    this._isOpening = true;
    const result = await openMedia(this.video, this.model.state);
    this._isOpening = false;
    this.stills = result.why !== "";
    this.usesProxy = result.usesProxy;
    // a proxy has the frames of the film: at a constant rate, from time 0
    this.clock = this.usesProxy
      ? new FrameClock({ ...source, first_frame_time: 0 })
      : new FrameClock(source, result.times);
    this._seeker.clock = this.clock;
    this.seek(this.frame);
    this.dispatchEvent(new Event("media"));
    if (this.stills) {
      this.dispatchEvent(new CustomEvent("unplayable", { detail: { why: result.why } }));
    }
  }

  /** The frame that will be on the screen once the seek in progress has ended. */
  get target() {
    return this._seeker.target ?? this.frame;
  }

  /** What the views draw. */
  get picture() {
    return this._pictures.picture;
  }

  /** The frames that the cut has. @returns {[number, number]} */
  get range() {
    const { range, source } = this.model.state;
    return range ?? [0, source.duration];
  }

  play() {
    this._start(1);
  }

  pause() {
    // the browser may have gone on by a frame: show the one on the screen again
    if (this._stop()) this.seek(this.target);
  }

  /** Stop; true if it was playing. */
  _stop() {
    const wasPlaying = this.playing;
    this._reverse.stop();
    this._set(false, 1);
    this.video.pause();
    this.video.playbackRate = 1;
    return wasPlaying;
  }

  toggle() {
    return this.playing ? this.pause() : this.play();
  }

  /**
   * Show a frame, or play on from it.
   * @param {number} frame
   */
  seek(frame) {
    if (!this.clock) return;
    const [start, end] = this.range;
    const target = Math.max(start, Math.min(end - 1, Math.round(frame)));
    const { looping } = this;
    if (looping && (target < looping.start || target >= looping.end)) this.stopLoop();
    if (this._reverse.active) this._reverse.begin(target, -this.rate, start);
    if (this.stills) this._showStill(target);
    else this._seeker.seek(target);
    this.dispatchEvent(new Event("seek"));
  }

  /**
   * Stop, and move by a number of frames.
   * @param {number} count
   */
  step(count) {
    this._stop();
    this.seek(this.target + count);
  }

  /**
   * Move by a number of seconds.
   * @param {number} count
   */
  seconds(count) {
    if (!this.clock) return;
    this.seek(this.target + Math.sign(count) * this.clock.frames(Math.abs(count), 1));
  }

  /**
   * J, K and L: -1 plays in reverse, 0 stops, 1 plays; again is faster.
   * @param {-1|0|1} direction
   */
  shuttle(direction) {
    if (direction === 0 || !this.clock || this.stills) return this.pause();
    const onward = this.playing && Math.sign(this.rate) === direction;
    const at = onward ? SPEEDS.indexOf(Math.abs(this.rate)) + 1 : 0;
    const speed = SPEEDS[Math.min(at, SPEEDS.length - 1)];
    if (direction === 1) return this._start(speed);
    this._set(true, -speed);
    this.video.pause();
    this._reverse.begin(this.frame, speed, this.range[0]);
  }

  /**
   * Play a range again and again: frames from `start` up to `end`.
   * @param {number} start
   * @param {number} end
   */
  loop(start, end) {
    const [first, last] = this.range;
    this.looping = { start: Math.max(first, start), end: Math.min(last, end) };
    this.dispatchEvent(new Event("points"));
    this.seek(this.looping.start);
    this.play();
  }

  /**
   * Play around a cut again and again.
   * @param {number} frame first frame after the cut
   */
  loopCut(frame) {
    if (!this.clock) return;
    const around = this.clock.frames(AROUND_CUT_S, 1);
    this.loop(frame - around, frame + around);
  }

  /** Play on beyond the end of the loop. */
  stopLoop() {
    if (!this.looping) return;
    this.looping = null;
    this.dispatchEvent(new Event("points"));
  }

  setIn() {
    this._setPoints(this.target, this.outPoint);
  }

  /** The frame at the playhead is the last one before the out point. */
  setOut() {
    this._setPoints(this.inPoint, this.target + 1);
  }

  clearPoints() {
    this._setPoints(null, null);
  }

  _setPoints(start, end) {
    Object.assign(this, changedPoints(this, start, end));
    this.dispatchEvent(new Event("points"));
  }

  /** @param {number} speed */
  _start(speed) {
    if (!this.clock || this.stills) return;
    this._reverse.stop();
    const [start, end] = playedPart(this);
    if (!this.looping && (this.target < start || this.target >= end - 1)) this.seek(start);
    this.video.playbackRate = speed;
    this._set(true, speed);
    // a browser may refuse to play sound before the user has touched the page
    this.video.play().catch((error) => error.name === "NotAllowedError" && this.pause());
  }

  _set(playing, rate) {
    if (this.playing === playing && this.rate === rate) return;
    this.playing = playing;
    this.rate = rate;
    this.dispatchEvent(new Event("play"));
  }

  /** Media keys and the end of the file pause the element without asking us. */
  _onBrowserPause() {
    const isOurs = !this.playing || this._reverse.active || this._isOpening;
    if (!isOurs && this.video.paused) this.pause();
  }

  /** A proxy that was missing may be ready. */
  _onState() {
    if (this.stills && this.model.state.proxy) this.open();
  }

  /** Move to a frame at once, and draw its picture when it is there. */
  _showStill(frame, image = null) {
    this.frame = frame;
    if (image) {
      this._pictures.offer(image);
      this._show(frame);
    } else {
      this.dispatchEvent(new CustomEvent("frame", { detail: { frame } }));
      this._stills.request(frame);
    }
  }

  /** @param {{mediaTime: number, expectedDisplayTime: number}} metadata */
  _onPicture(metadata) {
    this.video.requestVideoFrameCallback((now, next) => this._onPicture(next));
    if (!this.clock || this.stills) return;
    this._hold.stop();
    const frame = this.clock.frameAt(this._pictures.take(metadata.mediaTime));
    if (this._seeker.takePicture(frame) || this._turnsBack(frame)) return;
    this._show(frame);
    this._hold.start(this.clock, frame, metadata.expectedDisplayTime);
  }

  /** @param {number} frame */
  _show(frame) {
    this._pictures.accept();
    this.frame = frame;
    this.ready = true;
    this.dispatchEvent(new Event("picture"));
    this.dispatchEvent(new CustomEvent("frame", { detail: { frame } }));
    if (this.playing && !this._reverse.active && this._seeker.goal === null) this._turnsBack(frame + 1);
  }

  /** Go back to the begin of the loop, or stop, if `frame` is the first one that must not be shown. */
  _turnsBack(frame) {
    if (!this.playing) return false;
    const [, out] = playedPart(this);
    // from beyond the out point it plays on to the end
    const end = this.frame < out && !this.looping ? out : this.range[1];
    if (this.looping && frame >= this.looping.end) this.seek(this.looping.start);
    else if (frame >= end) {
      this.pause();
      this.seek(end - 1);
    } else return false;
    return true;
  }
}
