/** Frames as still pictures from the service, until there is something that the browser can play. */

import { getBytes } from "./api.js";

/** Height of a still in pixels: enough to judge a crop, and small enough to step through. */
const HEIGHT = 720;

export class Stills {
  /** @param {(frame: number, image: ImageBitmap) => void} onImage */
  constructor(onImage) {
    this._onImage = onImage;
    this._wanted = -1;
    this._isBusy = false;
  }

  /**
   * Fetch a frame; of many requests only the last one counts.
   * @param {number} frame
   */
  async request(frame) {
    this._wanted = frame;
    if (this._isBusy) return;
    this._isBusy = true;
    for (let at = -1; at !== this._wanted; ) {
      at = this._wanted;
      const image = await fetchStill(at, HEIGHT).catch(() => null);
      if (image && at === this._wanted) this._onImage(at, image);
    }
    this._isBusy = false;
  }
}

/**
 * One frame of the source.
 * @param {number} frame
 * @param {number} height in pixels
 * @param {AbortSignal} [signal]
 */
export async function fetchStill(frame, height, signal) {
  const bytes = await getBytes(`api/frames/${frame}?height=${height}&of=source`, signal);
  if (!bytes) throw new Error(`Frame ${frame} could not be read.`);
  return createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
}
