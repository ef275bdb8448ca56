/** Walks through the cut: from cut to cut, and from one doubtful shot to the next. */

import { saveSetting, setting } from "./settings.js";

/** @typedef {import("./types.js").Shot} Shot */

/**
 * Which shots the list has, and in which order. `all` null: all only where none is doubtful.
 * @returns {{all: boolean | null, byTime: boolean}}
 */
export function listOrder() {
  return { all: null, byTime: false, ...setting("doubts", {}) };
}

/** @param {{all?: boolean, byTime?: boolean}} change */
export function saveListOrder(change) {
  saveSetting("doubts", { ...listOrder(), ...change });
}

/**
 * The shots to review in the order of the list.
 * @param {Shot[]} shots
 * @returns {Shot[]}
 */
export function toReview(shots) {
  const { all, byTime } = listOrder();
  const doubtful = shots.filter((shot) => shot.doubt);
  const list = all ?? !doubtful.length ? [...shots] : doubtful;
  return byTime ? list : list.sort(byConfidence);
}

/**
 * Go to the previous or next cut.
 * @param {import("./actions.js").Page} page
 * @param {-1 | 1} direction
 */
export function goToCut({ model, player }, direction) {
  const shots = model.programmeShots();
  const index = model.shotAt(player.target);
  const shot = shots[index];
  if (!shot) return;
  const back = player.target > shot.start ? shot.start : shots[index - 1]?.start;
  const target = direction < 0 ? back : shots[index + 1]?.start ?? shot.end - 1;
  if (target !== undefined) player.seek(target);
}

/**
 * Select the next or previous doubtful shot and go to its cut. The walk goes on from the shot that
 * was visited last, also where that one is not doubtful any more.
 * @param {import("./actions.js").Page} page
 * @param {-1 | 1} direction
 */
export function showDoubt(page, direction) {
  const { model, side } = page;
  const list = toReview(model.programmeShots());
  side.show("doubts");
  if (!list.length) {
    model.notify("No cut is doubtful.");
    return;
  }
  const order = listOrder().byTime ? earlier : byConfidence;
  const { visited } = model;
  const beyond = (/** @type {Shot} */ shot) => !visited || direction * order(shot, visited) > 0;
  const next = direction > 0 ? list.find(beyond) : list.findLast(beyond);
  visitDoubt(page, next ?? list.at(direction > 0 ? 0 : -1));
}

/**
 * @param {import("./actions.js").Page} page
 * @param {Shot | undefined} shot
 * @param {boolean} [loops] whether to play around its cut
 */
export function visitDoubt({ model, player }, shot, loops = Boolean(player.looping)) {
  if (!shot) return;
  model.visited = shot;
  model.select(model.programmeShots().indexOf(shot), shot.start);
  if (loops) player.loopCut(cutOf(model, shot));
  else player.seek(shot.start);
}

/**
 * The cut to look at in a doubtful shot: into it, or out of it where it is the first.
 * @param {import("./model.js").Model} model
 * @param {Shot} shot
 */
function cutOf(model, shot) {
  return shot.start === model.range[0] ? shot.end : shot.start;
}

/** @param {Shot} one @param {Shot} other */
function byConfidence(one, other) {
  return one.confidence - other.confidence || earlier(one, other);
}

/** @param {Shot} one @param {Shot} other */
function earlier(one, other) {
  return one.start - other.start;
}
