/**
 * Compares what Premiere shows with the plan of a cut. Pure: no host, no network.
 *
 * A plan is what the service answers: times in whole frames, scale in percent, x and y in widths
 * and heights of the sequence. A reading is what `host_sequence.js` reads of one clip.
 *
 * @typedef {{scale: number, x: number, y: number}} Motion
 * @typedef {Motion & {frame: number}} MotionKey
 * @typedef {object} PlanClip
 * @property {number} number of the shot in the cut, from 1; 0 for another angle
 * @property {string} name
 * @property {string} comment
 * @property {boolean} enabled
 * @property {number} start
 * @property {number} end
 * @property {[number, number]} source
 * @property {Motion} motion
 * @property {MotionKey[]} keys
 * @typedef {object} Plan
 * @property {number} format
 * @property {string} name
 * @property {[number, number]} rate
 * @property {number} ticks_per_frame
 * @property {[number, number]} canvas
 * @property {[number, number]} size
 * @property {number} rotation
 * @property {number} duration
 * @property {number} [two_ups] how many shots show two people in halves, by two clips
 * @property {PlanClip[][]} tracks
 * @typedef {{x: number, y: number}} Point
 * @typedef {{offset: number, value: any, linear: boolean | null}} CurveKey
 *   `offset` in ticks from the clip's in point
 * @typedef {{varies: boolean, value: any, keys: CurveKey[]}} Curve
 * @typedef {{position: Curve, scale: Curve, rotation: Curve, uniform: Curve}} Reading
 * @typedef {object} Correction
 * @property {"position" | "scale" | "rotation" | "uniform"} parameter
 * @property {boolean} varies what it must become
 * @property {boolean} changesVarying whether that has to be set
 * @property {any} [value] of a still parameter
 * @property {number[]} remove offsets of keys that must go, in ticks
 * @property {{offset: number, value: any}[]} add keys
 * @property {number[]} linear offsets of keys that must become linear
 * @property {string} text what differs, in words
 * @typedef {{start: number, end: number, inPoint: number, disabled: boolean}} Place in ticks
 */

/** Of plans: the second has two-ups, of which older panels know nothing. */
const FORMATS = [1, 2];
/** Pixels by which no edge of the picture may be off: nobody sees a tenth. */
const MAX_ERROR_PX = 0.1;
/** Frames by which a time may be off: times are exact, numbers of this size are not quite. */
const MAX_ERROR_FRAMES = 0.01;

/**
 * Say why a plan cannot be used, or return "".
 * @param {any} plan
 * @returns {string}
 */
function planFault(plan) {
  if (plan && FORMATS.includes(plan.format)) return "";
  return "the panel and speakerzoom are of different versions; run `speakerzoom install premiere`";
}

/**
 * Say in which clip the tracks of a sequence differ from the plan, or return "".
 *
 * In points may all be later by the same time: that of the file's own timecode.
 * @param {Plan} plan
 * @param {Place[][]} tracks
 * @returns {string}
 */
function placeFault(plan, tracks) {
  const frames = (/** @type {number} */ ticks) => ticks / plan.ticks_per_frame;
  const isAt = (/** @type {number} */ ticks, /** @type {number} */ frame) =>
    Math.abs(frames(ticks) - frame) < MAX_ERROR_FRAMES;
  const number = Math.max(plan.tracks.length, tracks.length);
  /** @type {number | null} */
  let shift = null;
  for (let n = 0; n < number; n += 1) {
    const clips = plan.tracks[n] || [];
    const places = tracks[n] || [];
    if (clips.length !== places.length) {
      return `video track ${n + 1} has ${places.length} clips instead of ${clips.length}`;
    }
    for (let i = 0; i < clips.length; i += 1) {
      const [clip, place] = [clips[i], places[i]];
      const where = `clip ${i + 1} of video track ${n + 1}`;
      if (!isAt(place.start, clip.start) || !isAt(place.end, clip.end)) {
        const [start, end] = [frames(place.start), frames(place.end)].map(textOf);
        return `${where} lies at frames ${start} to ${end} instead of ${clip.start} to ${clip.end}`;
      }
      shift = shift === null ? Math.round(frames(place.inPoint)) - clip.source[0] : shift;
      if (!isAt(place.inPoint, clip.source[0] + shift)) {
        const frame = textOf(frames(place.inPoint) - shift);
        return `${where} begins at frame ${frame} of the recording instead of ${clip.source[0]}`;
      }
    }
  }
  return "";
}

/**
 * Return what has to change so that a clip is framed as planned.
 * @param {Plan} plan
 * @param {PlanClip} clip
 * @param {Reading} reading
 * @returns {Correction[]}
 */
function corrections(plan, clip, reading) {
  const rows = clip.keys.map((key) => ({
    offset: (key.frame - clip.source[0]) * plan.ticks_per_frame,
    position: { x: key.x, y: key.y },
    scale: key.scale,
  }));
  const still = { position: { x: clip.motion.x, y: clip.motion.y }, scale: clip.motion.scale };
  const position = rows.map(({ offset, position: value }) => ({ offset, value }));
  const scale = rows.map(({ offset, scale: value }) => ({ offset, value }));
  const isPoint = (/** @type {any} */ a, /** @type {any} */ b) => isSamePoint(plan, a, b);
  const isScale = (/** @type {any} */ a, /** @type {any} */ b) => isSameScale(plan, a, b);
  const parameters = [
    correction(plan, "position", reading.position, still.position, position, isPoint),
    correction(plan, "scale", reading.scale, still.scale, scale, isScale),
    correction(plan, "rotation", reading.rotation, plan.rotation, [], isSameAngle),
    correction(plan, "uniform", reading.uniform, true, [], (a, b) => a === b),
  ];
  return /** @type {Correction[]} */ (parameters.filter((row) => row !== null));
}

/**
 * Return what has to change of one parameter, or null.
 * @param {Plan} plan
 * @param {Correction["parameter"]} parameter
 * @param {Curve} curve
 * @param {any} still value where it has no keys
 * @param {{offset: number, value: any}[]} keys
 * @param {(a: any, b: any) => boolean} isSame
 * @returns {Correction | null}
 */
function correction(plan, parameter, curve, still, keys, isSame) {
  const varies = keys.length > 0;
  const changesVarying = curve.varies !== varies;
  const change = { parameter, varies, changesVarying, remove: [], add: [], linear: [] };
  if (!varies) {
    if (!curve.varies && isSame(curve.value, still)) return null;
    const read = curve.varies ? `${curve.keys.length} keys` : textOf(curve.value);
    return { ...change, value: still, text: `${parameter} ${read} instead of ${textOf(still)}` };
  }
  const near = plan.ticks_per_frame * MAX_ERROR_FRAMES;
  const isAt = (/** @type {number} */ a, /** @type {number} */ b) => Math.abs(a - b) < near;
  const right = (/** @type {CurveKey} */ own) =>
    keys.some((key) => isAt(own.offset, key.offset) && isSame(own.value, key.value));
  const wrong = curve.keys.filter((own) => !right(own));
  const missing = keys.filter(
    (key) => !curve.keys.some((own) => right(own) && isAt(own.offset, key.offset)));
  const curved = curve.keys.filter((own) => right(own) && own.linear === false);
  if (!changesVarying && !wrong.length && !missing.length && !curved.length) return null;
  const text = `${parameter}: ${wrong.length} wrong keys, ${missing.length} missing, ` +
    `${curved.length} not linear, of ${keys.length}${describe(wrong[0], missing[0])}`;
  return {
    ...change,
    remove: wrong.map((own) => own.offset),
    add: missing,
    linear: curved.map((own) => own.offset),
    text,
  };
}

/** @param {CurveKey | undefined} wrong @param {{value: any} | undefined} missing */
function describe(wrong, missing) {
  return wrong && missing ? ` (${textOf(wrong.value)} instead of ${textOf(missing.value)})` : "";
}

/** @param {Plan} plan @param {any} a @param {Point} b */
function isSamePoint(plan, a, b) {
  if (!a || typeof a.x !== "number" || typeof a.y !== "number") return false;
  const [width, height] = plan.canvas;
  return Math.max(Math.abs(a.x - b.x) * width, Math.abs(a.y - b.y) * height) <= MAX_ERROR_PX;
}

/** @param {Plan} plan @param {any} a @param {number} b */
function isSameScale(plan, a, b) {
  const half = Math.max(...plan.canvas) / 2;
  return typeof a === "number" && Math.abs(a / b - 1) * half <= MAX_ERROR_PX;
}

/** @param {any} a @param {number} b degrees */
function isSameAngle(a, b) {
  return typeof a === "number" && Math.abs(a - b) % 360 < MAX_ERROR_FRAMES;
}

/**
 * Return a value as text for messages and the report.
 * @param {any} value
 * @returns {string}
 */
function textOf(value) {
  if (typeof value === "number") return String(Math.round(value * 1e4) / 1e4);
  if (value && typeof value.x === "number") return `(${textOf(value.x)}, ${textOf(value.y)})`;
  return String(value);
}

/**
 * Return the part of a plan that the panel builds itself: the shots of the cut on one track.
 * @param {Plan} plan
 * @returns {Plan}
 */
function withoutAngles(plan) {
  const clips = plan.tracks.flat().filter((clip) => clip.number > 0);
  return { ...plan, tracks: [clips.sort((a, b) => a.start - b.start)] };
}

module.exports = { corrections, placeFault, planFault, textOf, withoutAngles };
