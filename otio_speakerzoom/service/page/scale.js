/** Where frames lie on the timeline's canvas, and where its rows are, in pixels of the screen. */

/** Width of the labels at the left, in CSS pixels. */
export const GUTTER = 112;

/** Heights in CSS pixels, and how much of the room that is left each row takes. */
const ROWS = {
  ruler: { least: 24, most: 24, grow: 0 },
  shots: { least: 34, most: 64, grow: 2 },
  cuts: { least: 12, most: 14, grow: 0 },
  words: { least: 22, most: 24, grow: 0 },
  person: { least: 20, most: 130, grow: 2 },
  sound: { least: 34, most: 190, grow: 3 },
  overview: { least: 14, most: 14, grow: 0 },
};
/** Space between rows, in CSS pixels. */
const GAP = 2;

/**
 * @typedef {{kind: keyof typeof ROWS, person?: any, top: number, height: number}} Row
 */

/** Maps frames to pixels for one size of the canvas and one part of the timeline. */
export class Scale {
  /**
   * @param {{start: number, end: number}} view in frames
   * @param {number} width of the canvas
   * @param {number} ratio screen pixels per CSS pixel
   */
  constructor(view, width, ratio) {
    this.start = view.start;
    this.end = view.end;
    this.ratio = ratio;
    this.left = Math.round(GUTTER * ratio);
    this.right = width;
    this.width = Math.max(1, width - this.left);
    this.framesPerPixel = (view.end - view.start) / this.width;
  }

  /** @param {number} frame */
  x(frame) {
    return this.left + Math.round((frame - this.start) / this.framesPerPixel);
  }

  /** The time at a pixel, in frames and parts of frames. @param {number} x */
  at(x) {
    return this.start + (x - this.left) * this.framesPerPixel;
  }

  /** The frame that covers a pixel. @param {number} x */
  frame(x) {
    return Math.floor(this.at(x));
  }

  /** The cut nearest to a pixel: between two frames. @param {number} x */
  edge(x) {
    return Math.round(this.at(x));
  }
}

/**
 * The rows of the timeline from the top, as high as the room allows.
 * @param {{people: any[], cuts: boolean, words: boolean, sound: boolean}} content
 * @param {number} room height of the canvas
 * @param {number} ratio screen pixels per CSS pixel
 * @returns {Row[]}
 */
export function layRows(content, room, ratio) {
  const kinds = rowKinds(content);
  const gap = Math.round(GAP * ratio);
  const fixed = kinds.reduce((sum, { kind }) => sum + ROWS[kind].least, 0);
  const spare = Math.max(0, room / ratio - fixed - GAP * kinds.length);
  const shares = kinds.reduce((sum, { kind }) => sum + ROWS[kind].grow, 0);
  let top = 0;
  return kinds.map((row) => {
    const { least, most, grow } = ROWS[row.kind];
    const height = Math.round(Math.min(most, least + (spare * grow) / shares) * ratio);
    const placed = { ...row, top, height };
    top += height + gap;
    return placed;
  });
}

/** Height that the rows need at least, in CSS pixels. */
export function leastHeight(content) {
  return rowKinds(content).reduce((sum, { kind }) => sum + ROWS[kind].least + GAP, 0);
}

/** The rows from the top; those with nothing in them are left out. */
function rowKinds({ people, cuts, words, sound }) {
  return [
    { kind: "ruler" },
    { kind: "shots" },
    ...(cuts ? [{ kind: "cuts" }] : []),
    ...(words ? [{ kind: "words" }] : []),
    ...people.map((person) => ({ kind: "person", person })),
    ...(sound ? [{ kind: "sound" }] : []),
    { kind: "overview" },
  ];
}
