/** The page's colours and fonts as a canvas needs them. */

/** Colours of the style sheet that the timeline uses. */
const NAMES = ["bg", "panel", "raised", "line", "text", "dim", "accent", "warn", "wide"];
/** Side of a hatch pattern in CSS pixels. */
const HATCH = 8;
/** People whose hatch differs, as there are colours. */
const COLOURS = 8;

/** Lines of each hatch, from and to, in eighths of its side: the first person has none. */
const HATCHES = [
  [],
  [[0, 8, 8, 0], [-2, 2, 2, -2], [6, 10, 10, 6]],
  [[0, 0, 8, 8], [-2, 6, 2, 10], [6, -2, 10, 2]],
  [[0, 2, 8, 2], [0, 6, 8, 6]],
  [[2, 0, 2, 8], [6, 0, 6, 8]],
  [[0, 0, 8, 8], [0, 8, 8, 0]],
  [[0, 4, 8, 4], [4, 0, 4, 8]],
  [[0, 2, 4, 2], [4, 6, 8, 6]],
];

export class Palette {
  /**
   * @param {(id: number) => string} colourOf
   * @param {number} ratio screen pixels per CSS pixel
   */
  constructor(colourOf, ratio) {
    const style = getComputedStyle(document.documentElement);
    for (const name of NAMES) this[name] = style.getPropertyValue(`--${name}`).trim();
    const size = (parseFloat(getComputedStyle(document.body).fontSize) - 2) * ratio;
    const family = "system-ui, 'Noto Sans', sans-serif";
    this.font = `${size}px ${family}`;
    this.bold = `700 ${size}px ${family}`;
    this.digits = `${size - ratio}px ${family}`;
    this._colourOf = colourOf;
    this._ratio = ratio;
    this._cache = new Map();
  }

  /** Colour of a person. @param {number} id */
  person(id) {
    return this._once(`colour${id}`, () => this._colourOf(id));
  }

  /** Colour of text on a person's colour. @param {number} id */
  ink(id) {
    return this._once(`ink${id}`, () => (luminance(this.person(id)) > 0.2 ? "#0c0e11" : "#fff"));
  }

  /**
   * A pattern over a person's colour, so that colour is not the only sign; null for the first.
   * @param {CanvasRenderingContext2D} context
   * @param {number} id
   */
  hatch(context, id) {
    const lines = HATCHES[(id - 1) % COLOURS];
    if (!lines.length) return null;
    return this._once(`hatch${id}`, () => this._pattern(context, lines, "rgb(0 0 0 / 30%)"));
  }

  /** The pattern of the wide. @param {CanvasRenderingContext2D} context */
  wideHatch(context) {
    return this._once("wide", () => this._pattern(context, HATCHES[1], "rgb(255 255 255 / 9%)"));
  }

  _pattern(context, lines, colour) {
    const side = Math.round(HATCH * this._ratio);
    const tile = document.createElement("canvas");
    tile.width = tile.height = side;
    const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5 * this._ratio;
    pen.beginPath();
    for (const [x, y, toX, toY] of lines) {
      pen.moveTo((x * side) / 8, (y * side) / 8);
      pen.lineTo((toX * side) / 8, (toY * side) / 8);
    }
    pen.stroke();
    return context.createPattern(tile, "repeat");
  }

  _once(key, make) {
    if (!this._cache.has(key)) this._cache.set(key, make());
    return this._cache.get(key);
  }
}

/** Relative luminance of #rrggbb (WCAG 2), 0 to 1. */
function luminance(colour) {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const value = parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
