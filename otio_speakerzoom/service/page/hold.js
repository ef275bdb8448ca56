/** Numbers the frames that show one picture, where the rate varies: a cut may lie among them. */

export class Hold {
  /**
   * @param {HTMLVideoElement} video
   * @param {(frame: number) => void} onFrame receives each frame after the first of a picture
   */
  constructor(video, onFrame) {
    this._video = video;
    this._onFrame = onFrame;
    this._request = 0;
  }

  /**
   * Begin with the picture that has come to the screen.
   * @param {import("./time.js").FrameClock} clock
   * @param {number} first frame of the picture
   * @param {number} begin when it is presented, in milliseconds of the page
   */
  start(clock, first, begin) {
    const { end } = clock.span(first);
    if (end - first < 2) return;
    let frame = first;
    const tick = (now) => {
      if (this._video.paused) return;
      const seconds = ((now - begin) / 1000) * this._video.playbackRate;
      const next = Math.min(end - 1, first + Math.max(0, Math.floor(seconds * clock.rate)));
      if (next !== frame) this._onFrame(next);
      frame = next;
      if (frame < end - 1) this._request = requestAnimationFrame(tick);
    };
    this._request = requestAnimationFrame(tick);
  }

  stop() {
    cancelAnimationFrame(this._request);
  }
}
