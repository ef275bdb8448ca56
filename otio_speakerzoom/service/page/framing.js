/**
 * Crops and their motion, with the arithmetic of the film: scale and position are linear between
 * keyframes, and a crop is rounded to whole pixels of the source.
 *
 * A crop is [left, top, right, bottom] in pixels of the source; a size is [width, height].
 */

/**
 * The crop with which a shot shows a frame, before rounding.
 * @param {{crop: number[], keys?: number[][]}} shot
 * @param {number} frame
 * @param {number[]} size of the source
 * @param {number[]} canvas
 */
export function cropAt(shot, frame, size, canvas) {
  const keys = shot.keys ?? [];
  if (!keys.length) return cropOf(transformOf(shot.crop, size, canvas), size, canvas);
  const [before, after] = around(keys, frame);
  const a = transformOf(before.slice(1), size, canvas);
  if (before === after) return cropOf(a, size, canvas);
  const b = transformOf(after.slice(1), size, canvas);
  const part = (frame - before[0]) / (after[0] - before[0]);
  return cropOf(a.map((value, n) => value + part * (b[n] - value)), size, canvas);
}

/**
 * What a shot shows at a frame: a crop, before rounding, and its area on the canvas. Two in a two-up.
 * @param {import("./types.js").Shot} shot
 * @param {number} frame
 * @param {number[]} size of the source
 * @param {number[]} canvas
 * @returns {{crop: number[], area: number[]}[]} an area is left, top, width and height
 */
export function partsAt(shot, frame, size, canvas) {
  if (!shot.two_up) return [{ crop: cropAt(shot, frame, size, canvas), area: [0, 0, ...canvas] }];
  const { layout, crop: second } = shot.two_up;
  const axis = layout === "side_by_side" ? 0 : 1;
  const seam = Math.floor(canvas[axis] / 4) * 2; // even, as in the film
  return [shot.crop, second].map((crop, n) => {
    const area = [0, 0, ...canvas];
    area[axis] = n * seam;
    area[axis + 2] = n ? canvas[axis] - seam : seam;
    const half = area.slice(2);
    return { crop: cropOf(transformOf(crop, size, half), size, half), area };
  });
}

/** Canvas pixels per source pixel, and where the frame's centre lies from the canvas's centre. */
function transformOf([left, top, right, bottom], size, canvas) {
  const scale = Math.max(canvas[0] / (right - left), canvas[1] / (bottom - top));
  const centre = [(left + right) / 2, (top + bottom) / 2];
  return [scale, (size[0] / 2 - centre[0]) * scale, (size[1] / 2 - centre[1]) * scale];
}

function cropOf([scale, dx, dy], size, canvas) {
  const [x, y] = [size[0] / 2 - dx / scale, size[1] / 2 - dy / scale];
  const half = [canvas[0] / scale / 2, canvas[1] / scale / 2];
  return [x - half[0], y - half[1], x + half[0], y + half[1]];
}

/**
 * Left, top, width and height in whole pixels inside the frame.
 * @param {number[]} crop
 * @param {number[]} size
 */
export function wholePixels(crop, size) {
  const width = Math.min(size[0], Math.max(1, roundHalfEven(crop[2] - crop[0])));
  const height = Math.min(size[1], Math.max(1, roundHalfEven(crop[3] - crop[1])));
  const left = roundHalfEven((crop[0] + crop[2]) / 2 - width / 2);
  const top = roundHalfEven((crop[1] + crop[3]) / 2 - height / 2);
  return [
    Math.min(Math.max(0, left), size[0] - width),
    Math.min(Math.max(0, top), size[1] - height),
    width,
    height,
  ];
}

/** Halves go to the even neighbour, as where the film is rendered. */
function roundHalfEven(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * The area that a cover hides at a frame; null where it hides nothing.
 * @param {{box: number[], keys?: number[][]}} cover
 * @param {number} frame
 */
export function coverAt(cover, frame) {
  const keys = cover.keys ?? [];
  if (!keys.length) return cover.box;
  if (frame < keys[0][0] || frame > keys[keys.length - 1][0]) return null;
  const [before, after] = around(keys, frame);
  if (before === after) return before.slice(1);
  const part = (frame - before[0]) / (after[0] - before[0]);
  return before.slice(1).map((edge, n) => edge + part * (after[n + 1] - edge));
}

/** The keys before (or at) and after a frame; the same one twice beyond the ends. */
function around(keys, frame) {
  let at = 0;
  while (at < keys.length && keys[at][0] <= frame) at += 1;
  return [keys[Math.max(0, at - 1)], keys[Math.min(at, keys.length - 1)]];
}

/**
 * Scale a crop about one of its points, with its aspect, inside the source.
 * @param {number[]} crop
 * @param {number} height in pixels of the source
 * @param {[number, number]} anchor the point that stays: 0 is left or top, 1 right or bottom
 * @param {number[]} size of the source
 * @param {number} least smallest height
 */
export function scaleCrop(crop, height, anchor, size, least) {
  const [width, old] = [crop[2] - crop[0], crop[3] - crop[1]];
  const aspect = width / old;
  const most = Math.min(size[1], size[0] / aspect);
  const next = Math.max(Math.min(least, most), Math.min(most, height));
  const left = crop[0] + anchor[0] * (width - next * aspect);
  const top = crop[1] + anchor[1] * (old - next);
  return moveInside([left, top, left + next * aspect, top + next], size);
}

/**
 * Move a crop into the source; its size stays.
 * @param {number[]} crop
 * @param {number[]} size
 */
export function moveInside([left, top, right, bottom], size) {
  const [width, height] = [right - left, bottom - top];
  const x = Math.max(0, Math.min(size[0] - width, left));
  const y = Math.max(0, Math.min(size[1] - height, top));
  return [x, y, x + width, y + height];
}
