/** Everything that a key or a button can do, by name, with its keys as the page comes. */

import { goToCut, showDoubt } from "./doubts.js";
import { referenceTo, sameSubjects } from "./operations.js";
import { saveSetting } from "./settings.js";
import { twoShotSubjects } from "./two_shot.js";

/**
 * The parts of the page that actions work on.
 * @typedef {object} Page
 * @property {import("./model.js").Model} model
 * @property {any} player
 * @property {any} pictures
 * @property {any} timeline
 * @property {import("./side.js").Side} side
 * @property {{toggle: () => void}} help
 */

/**
 * @typedef {object} Action
 * @property {string} name
 * @property {string} group
 * @property {string} label in an editor's words
 * @property {string[]} keys as `chordOf` in keys.js writes them
 * @property {(page: Page) => void} run
 * @property {boolean} [repeats] whether it goes on while the key is down
 */

/**
 * @param {string} group
 * @param {Omit<Action, "group">[]} actions
 * @returns {Action[]}
 */
function grouped(group, actions) {
  return actions.map((action) => ({ ...action, group }));
}

const PLAY = grouped("Play", [
  { name: "play", label: "Play or pause", keys: ["Space"], run: ({ player }) => player.toggle() },
  { name: "reverse", label: "Play in reverse, in steps; again is faster", keys: ["J"],
    run: ({ player }) => player.shuttle(-1) },
  { name: "pause", label: "Pause", keys: ["K"], run: ({ player }) => player.shuttle(0) },
  { name: "forward", label: "Play; again is faster", keys: ["L"],
    run: ({ player }) => player.shuttle(1) },
  { name: "around", label: "Play around the cut, in a loop", keys: ["R"], run: toggleLoop },
  { name: "stop", label: "Stop the loop", keys: ["Escape"], run: stopLoop },
  { name: "in", label: "Set the in point", keys: ["I"], run: ({ player }) => player.setIn() },
  { name: "out", label: "Set the out point", keys: ["O"], run: ({ player }) => player.setOut() },
  { name: "clear-points", label: "Clear in and out", keys: ["Shift+X"],
    run: ({ player }) => player.clearPoints() },
  { name: "mute", label: "Sound on or off", keys: ["M"], run: ({ player }) => {
    player.video.muted = !player.video.muted;
    saveSetting("muted", player.video.muted);
  } },
]);

const MOVE = grouped("Move", [
  { name: "frame-back", label: "A frame back", keys: ["ArrowLeft"], repeats: true,
    run: ({ player }) => player.step(-1) },
  { name: "frame-on", label: "A frame on", keys: ["ArrowRight"], repeats: true,
    run: ({ player }) => player.step(1) },
  { name: "second-back", label: "A second back", keys: ["Shift+ArrowLeft"], repeats: true,
    run: ({ player }) => player.seconds(-1) },
  { name: "second-on", label: "A second on", keys: ["Shift+ArrowRight"], repeats: true,
    run: ({ player }) => player.seconds(1) },
  { name: "previous-cut", label: "Previous cut", keys: ["ArrowUp"], repeats: true,
    run: (page) => goToCut(page, -1) },
  { name: "next-cut", label: "Next cut", keys: ["ArrowDown"], repeats: true,
    run: (page) => goToCut(page, 1) },
  { name: "first", label: "First frame", keys: ["Home"],
    run: ({ player, model }) => player.seek(model.range[0]) },
  { name: "last", label: "Last frame", keys: ["End"],
    run: ({ player, model }) => player.seek(model.range[1] - 1) },
  { name: "next-doubt", label: "Next doubtful cut", keys: ["N"],
    run: (page) => showDoubt(page, 1) },
  { name: "previous-doubt", label: "Previous doubtful cut", keys: ["Shift+N"],
    run: (page) => showDoubt(page, -1) },
]);

const EDIT = grouped("Edit", [
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((id) => ({
    name: `person-${id}`, label: `Show person ${id}`, keys: [`${id}`],
    run: (/** @type {Page} */ page) => showPerson(page, id),
  })),
  { name: "wide", label: "Show the wide", keys: ["W"], run: ({ model }) =>
    give(model, []) },
  { name: "two-shot", label: "Show two: who is shown and the other who speaks", keys: ["T"],
    run: showTwo },
  { name: "split", label: "Split at the playhead", keys: ["S"], run: split },
  { name: "join", label: "Join with the shot before: remove the cut", keys: ["Backspace"],
    run: join },
  { name: "lock", label: "Lock or unlock the shot", keys: ["X"], run: toggleLock },
  { name: "cut-back", label: "Move the nearest cut a frame back", keys: [","], repeats: true,
    run: ({ timeline }) => timeline.nudgeCut(-1) },
  { name: "cut-on", label: "Move the nearest cut a frame on", keys: ["."], repeats: true,
    run: ({ timeline }) => timeline.nudgeCut(1) },
  { name: "cut-here", label: "Move the nearest cut to the playhead", keys: ["E"],
    run: ({ timeline }) => timeline.cutToPlayhead() },
  { name: "crop", label: "Crop the shot: then arrows move it, + and - scale it", keys: ["C"],
    run: ({ pictures }) => pictures.focusCrop() },
  { name: "undo", label: "Undo", keys: ["Mod+Z"],
    run: ({ model }) => void model.undo() },
  { name: "redo", label: "Redo", keys: ["Mod+Shift+Z", "Mod+Y"],
    run: ({ model }) => void model.redo() },
]);

const SHOW = grouped("Show", [
  { name: "zoom-shot", label: "Zoom to the shot", keys: ["Z"],
    run: ({ timeline, model }) => timeline.zoomToShot(model.selected) },
  { name: "zoom-all", label: "Show the whole timeline", keys: ["\\"],
    run: ({ timeline }) => timeline.zoomAll() },
  { name: "centre", label: "Bring the playhead into the middle", keys: ["G"],
    run: ({ timeline }) => timeline.centre() },
  { name: "zoom-in", label: "Zoom in", keys: ["+", "="], repeats: true,
    run: ({ timeline }) => timeline.zoomIn() },
  { name: "zoom-out", label: "Zoom out", keys: ["-"], repeats: true,
    run: ({ timeline }) => timeline.zoomOut() },
  { name: "boxes", label: "Boxes around faces on or off", keys: ["B"],
    run: ({ pictures }) => {
      pictures.showBoxes = !pictures.showBoxes;
      saveSetting("boxes", pictures.showBoxes);
    } },
  { name: "doubts", label: "List of doubtful cuts", keys: ["D"],
    run: ({ side }) => side.show("doubts", true) },
  { name: "people", label: "People", keys: ["P"],
    run: ({ side }) => side.show("people", true) },
  { name: "style", label: "Style", keys: ["Y"],
    run: ({ side }) => side.show("style", true) },
  { name: "files", label: "Export and files", keys: ["F"],
    run: ({ side }) => side.show("files", true) },
  { name: "help", label: "This list", keys: ["?"],
    run: ({ help }) => help.toggle() },
]);

/** @type {Action[]} */
export const ACTIONS = [...PLAY, ...MOVE, ...EDIT, ...SHOW];

/**
 * @param {Page} page
 * @param {string} name
 */
export function run(page, name) {
  ACTIONS.find((action) => action.name === name)?.run(page);
}

/**
 * Give the shot to the subjects.
 * @param {import("./model.js").Model} model
 * @param {number[]} subjects
 * @param {import("./types.js").Shot} [shot]
 */
export function give(model, subjects, shot = model.shot) {
  if (shot) model.apply([{ name: "assign", shot: referenceTo(shot), subjects }]);
}

/** @param {Page} page @param {number} id */
function showPerson({ model }, id) {
  if (model.people.some((person) => person.id === id)) give(model, [id]);
  else model.notify(`There is no person ${id} in this recording.`);
}

/** @param {Page} page */
async function showTwo({ model }) {
  const { shot } = model;
  if (!shot) return;
  const subjects = await twoShotSubjects(model, shot);
  if (!subjects) model.notify("A two-shot needs two people, and this recording has fewer.");
  else if (!sameSubjects(subjects, shot.subjects) || !shot.locked) give(model, subjects, shot);
}

/** @param {Page} page */
function split({ model, player }) {
  if (model.shot?.start === player.target)
    model.notify("There is a cut at this frame already. Move the playhead into the shot.");
  else model.apply([{ name: "split", frame: player.target }]);
}

/** @param {Page} page */
function join({ model }) {
  const { shot } = model;
  if (!shot) return;
  if (shot.start === model.range[0]) model.notify("This is the first shot: none is before it.");
  else model.apply([{ name: "join", frame: shot.start }]);
}

/** @param {Page} page */
function toggleLock({ model }) {
  const { shot } = model;
  if (shot) model.apply([{ name: shot.locked ? "unlock" : "lock", shot: referenceTo(shot) }]);
}

/** @param {Page} page */
function toggleLoop({ model, player }) {
  if (player.looping) stopLoop({ player });
  else if (model.shot) player.loopCut(nearestCut(model, player.target));
}

/** @param {Pick<Page, "player">} page */
function stopLoop({ player }) {
  if (!player.looping) return;
  player.stopLoop();
  player.pause();
}

/**
 * The cut of the shot that is nearer to a frame; the range has no cut at its ends.
 * @param {import("./model.js").Model} model
 * @param {number} frame
 */
function nearestCut(model, frame) {
  const { start, end } = /** @type {import("./types.js").Shot} */ (model.shot);
  const [first, last] = model.range;
  if (start === first) return end === last ? start : end;
  return end === last || frame - start <= end - frame ? start : end;
}
