/** Holds the picture on the screen, with its own presentation time, until the next one comes. */

/**
 * A busy browser may have gone on to the next picture when it calls back for one, and then draws that
 * one. A `VideoFrame` is one picture with its own time, so picture and crop cannot part. Where a
 * browser has none, the time of the callback must do.
 */
export class PictureHolder {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this._video = video;
    /** What to draw. @type {HTMLVideoElement|VideoFrame|ImageBitmap} */
    this.picture = video;
  }

  /**
   * Take the picture of a callback; return its presentation time in seconds.
   * @param {number} mediaTime as the callback says
   */
  take(mediaTime) {
    if (!window.VideoFrame) {
      this.put(this._video);
      return mediaTime;
    }
    const picture = new VideoFrame(this._video);
    this.put(picture);
    return picture.timestamp / 1e6;
  }

  /** @param {HTMLVideoElement|VideoFrame|ImageBitmap} picture */
  put(picture) {
    // decoders have few pictures: one that nobody draws any more goes back at once
    if (this.picture !== picture && this.picture !== this._video) this.picture.close();
    this.picture = picture;
  }
}
