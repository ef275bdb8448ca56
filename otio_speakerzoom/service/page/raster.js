/**
 * Fills rows of the timeline pixel by pixel: several times as fast as paths with thousands of points,
 * where a browser draws without a graphics card.
 */

export class Raster {
  constructor() {
    /** Pictures of rows, by their size. @type {Map<string, {image: ImageData, pixels: Uint32Array}>} */
    this._images = new Map();
    this._width = 0;
    this._canvas = document.createElement("canvas");
    this._context = /** @type {CanvasRenderingContext2D} */ (this._canvas.getContext("2d"));
  }

  /**
   * Paint a row, in CSS pixels: on a screen with finer ones, four times as many would show no more.
   * @param {CanvasRenderingContext2D} context
   * @param {{left: number, top: number, width: number, height: number}} box in pixels of the screen
   * @param {number} ratio screen pixels per CSS pixel
   * @param {(pixels: Uint32Array, width: number, height: number) => void} paint
   */
  paint(context, box, ratio, paint) {
    const [width, height] = [box.width, box.height].map((side) => Math.round(side / ratio));
    if (width < 1 || height < 1) return;
    const { image, pixels } = this._image(width, height);
    paint(pixels, width, height);
    if (ratio === 1) {
      context.putImageData(image, box.left, box.top);
      return;
    }
    if (this._canvas.width !== width) this._canvas.width = width;
    if (this._canvas.height < height) this._canvas.height = height;
    this._context.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this._canvas, 0, 0, width, height, box.left, box.top, box.width, box.height);
  }

  _image(width, height) {
    if (width !== this._width) this._images.clear();
    this._width = width;
    const key = String(height);
    let entry = this._images.get(key);
    if (!entry) {
      const image = new ImageData(width, height);
      entry = { image, pixels: new Uint32Array(image.data.buffer) };
      this._images.set(key, entry);
    }
    return entry;
  }
}

/**
 * Fill the lower part of some columns.
 * @param {Uint32Array} pixels of `height` rows, from the top
 * @param {number} height
 * @param {Int16Array} values one of each column
 * @param {number} full value that fills a column to the top
 * @param {number} colour as `pixel` gives it
 */
export function fillColumns(pixels, height, values, full, colour) {
  const width = values.length;
  for (let x = 0; x < width; x += 1) {
    const top = height - Math.round((values[x] / full) * height);
    for (let at = top * width + x; at < pixels.length; at += width) pixels[at] = colour;
  }
}

/**
 * Minima and maxima of bins for each pixel column of the timeline.
 * @param {import("./scale.js").Scale} scale
 * @param {{first: number, count: number, framesPerBin: number}} window
 * @param {Int16Array} values minimum and maximum of each bin
 * @returns {{low: Int16Array, high: Int16Array}}
 */
export function columns(scale, window, values) {
  const low = new Int16Array(scale.width);
  const high = new Int16Array(scale.width);
  let last = -1; // the column filled last
  for (let bin = 0; bin < window.count; bin += 1) {
    const start = scale.x((window.first + bin) * window.framesPerBin) - scale.left;
    const end = scale.x((window.first + bin + 1) * window.framesPerBin) - scale.left;
    const [least, greatest] = [values[2 * bin], values[2 * bin + 1]];
    for (let x = Math.max(0, start); x < Math.min(scale.width, Math.max(start + 1, end)); x += 1) {
      // bins may be narrower than a pixel: it shows the extremes of them all
      low[x] = x <= last ? Math.min(low[x], least) : least;
      high[x] = x <= last ? Math.max(high[x], greatest) : greatest;
      last = Math.max(last, x);
    }
  }
  return { low, high };
}

/**
 * A colour as the four bytes of a pixel, over an opaque background.
 * @param {string} colour #rrggbb
 * @param {string} background #rrggbb
 * @param {number} alpha
 */
export function pixel(colour, background, alpha = 1) {
  const mixed = [5, 3, 1].map((at) => {
    const [above, below] = [colour, background].map((text) => parseInt(text.slice(at, at + 2), 16));
    return Math.round(alpha * above + (1 - alpha) * below);
  });
  // the bytes are red, green, blue, alpha; every browser runs on little-endian machines
  return mixed.reduce((sum, byte) => sum * 256 + byte, 255);
}
