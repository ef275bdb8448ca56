/** Holds the picture on the screen, with its own presentation time, until the next one comes. */

/** Seconds by which a picture's own time may differ from the callback's: a browser whose times differ
 * by more counts them from elsewhere. */
const MAX_DIFFERENCE_S = 0.5;

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
    this._next = null;
  }

  /**
   * Take the picture of a callback; return its presentation time in seconds.
   * @param {number} mediaTime as the callback says
   */
  take(mediaTime) {
    const hasPicture = this._video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
    if (!window.VideoFrame || !hasPicture) {
      this.offer(this._video);
      return mediaTime;
    }
    const picture = new VideoFrame(this._video);
    const time = picture.timestamp / 1e6;
    this.offer(picture);
    return Math.abs(time - mediaTime) < MAX_DIFFERENCE_S ? time : mediaTime;
  }

  /** Hold a picture ready; one that was ready before is not needed any more. */
  offer(picture) {
    if (this._next) this._close(this._next);
    this._next = picture;
  }

  /** Draw the picture that is ready from now on. */
  accept() {
    if (!this._next) return;
    if (this.picture !== this._next) this._close(this.picture);
    this.picture = this._next;
    this._next = null;
  }

  /** Decoders have few pictures: one that nobody draws any more goes back at once. */
  _close(picture) {
    if (picture !== this._video) picture.close();
  }
}
