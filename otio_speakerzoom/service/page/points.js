/** In and out points: the part that is played, from `inPoint` up to `outPoint`. */

/**
 * The points after a change: where the two cross, the new one stands and the older one goes.
 * @param {{inPoint: number|null, outPoint: number|null}} before
 * @param {number|null} start
 * @param {number|null} end
 */
export function changedPoints(before, start, end) {
  if (start === null || end === null || start < end) return { inPoint: start, outPoint: end };
  return {
    inPoint: start === before.inPoint ? null : start,
    outPoint: end === before.outPoint ? null : end,
  };
}

/**
 * The frames to play: the part between the points, as far as they are set.
 * @param {{inPoint: number|null, outPoint: number|null, range: [number, number]}} player
 * @returns {[number, number]}
 */
export function playedPart({ inPoint, outPoint, range }) {
  return [inPoint ?? range[0], outPoint ?? range[1]];
}
