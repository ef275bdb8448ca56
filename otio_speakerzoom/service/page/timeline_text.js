/** The timeline in words: for screen readers, and for shots too narrow for their names. */

/**
 * Say where the playhead is.
 * @param {HTMLElement} stage a slider
 * @param {any} model
 * @param {import("./player.js").Player} player
 */
export function describePlayhead(stage, model, player) {
  if (!player.clock) return;
  const [first, last] = model.range;
  const shot = wordsOf(model, model.shotAt(player.frame));
  stage.setAttribute("aria-valuemin", String(first));
  stage.setAttribute("aria-valuemax", String(last - 1));
  stage.setAttribute("aria-valuenow", String(player.frame));
  stage.setAttribute("aria-valuetext", [player.clock.label(player.frame), ...shot].join(", "));
}

/**
 * One line about a shot; empty if there is none of that index.
 * @param {any} model
 * @param {import("./player.js").Player} player
 * @param {number} index
 */
export function describeShot(model, player, index) {
  const shot = model.programmeShots()[index];
  if (!shot || !player.clock) return "";
  const seconds = ((shot.end - shot.start) / player.clock.rate).toFixed(1);
  return [...wordsOf(model, index), `${seconds} s`, shot.reason].filter(Boolean).join(", ");
}

/** @returns {string[]} */
function wordsOf(model, index) {
  const shots = model.programmeShots();
  const shot = shots[index];
  if (!shot) return [];
  const marks = [shot.locked && "locked", shot.doubt && "doubtful"].filter(Boolean);
  return [`shot ${index + 1} of ${shots.length}`, model.describe(shot.subjects), ...marks];
}
