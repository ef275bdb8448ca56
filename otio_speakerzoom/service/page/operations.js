/**
 * Operations on a cut as the page expects them to turn out, until the service's answer is here.
 *
 * The service decides; this only lets the picture change under the hand at once. All functions
 * return new records and change none.
 */

/** @typedef {import("./types.js").Shot} Shot */
/** @typedef {import("./types.js").Cut} Cut */
/** @typedef {import("./types.js").Operation} Operation */

/**
 * @param {number[]} one
 * @param {number[]} other
 */
export function sameSubjects(one, other) {
  return one.length === other.length && one.every((id) => other.includes(id));
}

/**
 * Index of the shot that shows a frame, by binary search; -1 outside of all.
 * @param {Shot[]} shots
 * @param {number} frame
 */
export function indexAt(shots, frame) {
  let low = 0;
  let high = shots.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (frame < shots[middle].start) high = middle - 1;
    else if (frame >= shots[middle].end) low = middle + 1;
    else return middle;
  }
  return -1;
}

/**
 * The shot as an operation names it: what the page shows.
 * @param {Shot} shot
 */
export function referenceTo({ start, end, subjects }) {
  return { start, end, subjects };
}

/**
 * Return the cut after an operation; the same cut where it has no place in it.
 * @param {Cut} cut
 * @param {Operation} operation
 * @returns {Cut}
 */
export function afterOperation(cut, operation) {
  const change = CHANGES[operation.name];
  return (change && change(cut, operation)) || cut;
}

/** @type {Record<string, (cut: Cut, operation: any) => Cut | null>} */
const CHANGES = {
  assign: (cut, { shot, subjects }) => ({ ...cut, shots: assign(cut, shot, subjects) }),
  set_edge: (cut, { frame, to }) => atCut(cut, frame, (before, after) =>
    to > before.start && to < after.end
      ? [byHand(before, { end: to }), byHand(after, { start: to })] : null),
  join: (cut, { frame }) => atCut(cut, frame, (before, after) =>
    [byHand(before, { end: after.end })]),
  split: (cut, { frame }) => {
    const index = indexAt(cut.shots, frame);
    const shot = cut.shots[index];
    if (!shot || shot.start === frame) return null;
    return replaced(cut, index, 1, [byHand(shot, { end: frame }), byHand(shot, { start: frame })]);
  },
  crop: (cut, { shot, crop }) =>
    ofShot(cut, shot, { crop, keys: [], locked: true, crop_locked: true }),
  lock: (cut, { shot }) => ofShot(cut, shot, { locked: true, doubt: null }),
  unlock: (cut, { shot }) => ofShot(cut, shot, { locked: false, crop_locked: false }),
  rename: (cut, { person, to }) =>
    ofPerson(cut, person, { name: to, label: to || `Person ${person}` }),
  ignore: (cut, { person, value }) => ofPerson(cut, person, { ignore: value }),
  prefer: (cut, { person, value }) => ofPerson(cut, person, { prefer: value }),
  merge: (cut, { person, into }) => ({
    ...cut,
    people: cut.people.filter(({ id }) => id !== person),
    shots: cut.shots.map((shot) => shot.subjects.includes(person)
      ? { ...shot, subjects: [...new Set(shot.subjects.map((id) => id === person ? into : id))] }
      : shot),
  }),
};

/**
 * Whether a cut is already what an operation asks for: its answer was lost, or another tab did
 * the same.
 * @param {Cut} cut
 * @param {Operation} operation
 */
export function isDone(cut, operation) {
  const { name, shot, subjects, frame, to, crop, person, value } = operation;
  const same = shot && shotLike(cut.shots, { ...shot, subjects: subjects ?? shot.subjects });
  const one = cut.people.find(({ id }) => id === person);
  const starts = (/** @type {any} */ at) => cut.shots.some(({ start }) => start === at);
  switch (name) {
    case "assign": case "lock": return Boolean(same?.locked);
    case "unlock": return same?.locked === false;
    case "crop": return Boolean(same?.crop_locked && same.crop.every((edge, n) =>
      Math.abs(edge - (crop?.[n] ?? NaN)) < 1));
    case "set_edge": return starts(to) && !starts(frame);
    case "split": return starts(frame);
    case "join": return !starts(frame);
    case "rename": return one?.name === to;
    case "ignore": return one?.ignore === value;
    case "prefer": return one?.prefer === value;
    case "merge": return !one;
    default: return false;
  }
}

/**
 * What an operation comes to where its shot is no more: the same picture over the same frames.
 * None where that has no meaning (to unlock what is gone).
 * @param {Cut} cut the cut that the hand worked on
 * @param {Operation} operation
 * @returns {Operation[]}
 */
export function anyway(cut, operation) {
  const { name, shot, frame } = operation;
  const to = /** @type {number} */ (operation.to);
  if (name === "set_edge" && frame !== undefined) {
    const gains = cut.shots[indexAt(cut.shots, to < frame ? frame : frame - 1)];
    if (!gains) return [];
    const start = Math.min(frame, to), end = Math.max(frame, to);
    return [assignment(start, end, gains.subjects)];
  }
  if (name === "join" && frame !== undefined) {
    const before = cut.shots[indexAt(cut.shots, frame - 1)];
    const after = cut.shots[indexAt(cut.shots, frame)];
    return before && after ? [assignment(before.start, after.end, before.subjects)] : [];
  }
  if (name === "crop" && shot) return [assignment(shot.start, shot.end, shot.subjects), operation];
  return name === "unlock" ? [] : [operation];
}

/**
 * One line that says what an operation does, for notices.
 * @param {Operation} operation
 * @param {(subjects: number[]) => string} describe
 * @param {(frame: number) => string} label
 */
export function inWords(operation, describe, label) {
  const { name, shot, subjects, frame, to, person, into, value } = operation;
  const range = shot ? `${label(shot.start)} to ${label(shot.end)}` : "";
  const who = describe([person ?? 0]);
  switch (name) {
    case "assign": return `${range}: show ${describe(subjects ?? [])}`;
    case "set_edge": return `Move the cut at ${label(frame ?? 0)} to ${label(Number(to))}`;
    case "split": return `Split at ${label(frame ?? 0)}`;
    case "join": return `Remove the cut at ${label(frame ?? 0)}`;
    case "crop": return `${range}: new crop`;
    case "lock": return `${range}: lock`;
    case "unlock": return `${range}: unlock`;
    case "rename": return `Name ${who} “${to}”`;
    case "merge": return `${who} is the same as ${describe([into ?? 0])}`;
    case "ignore": return value ? `Ignore ${who}` : `No longer ignore ${who}`;
    case "prefer": return value ? `Prefer ${who}` : `No longer prefer ${who}`;
    case "set_style": return "Change the style";
    default: return name;
  }
}

/**
 * @param {number} start
 * @param {number} end
 * @param {number[]} subjects
 * @returns {Operation}
 */
export function assignment(start, end, subjects) {
  return { name: "assign", shot: { start, end, subjects }, subjects };
}

/**
 * @param {Cut} cut
 * @param {{start: number, end: number}} range
 * @param {number[]} subjects
 * @returns {Shot[]}
 */
function assign(cut, { start, end }, subjects) {
  /** @type {Shot[]} */
  const shots = [];
  let inserted = false;
  for (const shot of cut.shots) {
    if (shot.end <= start || shot.start >= end) {
      shots.push(shot);
      continue;
    }
    if (shot.start < start) shots.push({ ...shot, end: start });
    if (!inserted) {
      inserted = true;
      const same = shot.start === start && shot.end === end
        && sameSubjects(shot.subjects, subjects);
      const crop = same ? shot.crop : likelyCrop(cut, start, subjects);
      shots.push(byHand(shot, { start, end, subjects, crop, keys: same ? shot.keys : [] }));
    }
    if (shot.end > end) shots.push({ ...shot, start: end });
  }
  return shots;
}

/**
 * The crop of the nearest shot of the same people; the whole frame where there is none.
 * @param {Cut} cut
 * @param {number} start
 * @param {number[]} subjects
 * @returns {import("./types.js").Box}
 */
function likelyCrop({ shots, size }, start, subjects) {
  const alike = shots.filter((shot) => sameSubjects(shot.subjects, subjects));
  const before = alike.filter((shot) => shot.start < start).pop();
  return (before ?? alike[0])?.crop ?? [0, 0, size[0], size[1]];
}

/**
 * @param {Shot} shot
 * @param {Partial<Shot>} changes
 * @returns {Shot}
 */
function byHand(shot, changes) {
  return { ...shot, reason: "set by hand", confidence: 1, locked: true, doubt: null, ...changes };
}

/**
 * @param {Cut} cut
 * @param {number} frame
 * @param {(before: Shot, after: Shot) => Shot[] | null} change
 */
function atCut(cut, frame, change) {
  const index = indexAt(cut.shots, frame);
  if (index < 1 || cut.shots[index].start !== frame) return null;
  const shots = change(cut.shots[index - 1], cut.shots[index]);
  return shots && replaced(cut, index - 1, 2, shots);
}

/**
 * @param {Cut} cut
 * @param {import("./types.js").ShotReference} reference
 * @param {Partial<Shot>} changes
 */
function ofShot(cut, reference, changes) {
  const shot = shotLike(cut.shots, reference);
  return shot ? replaced(cut, cut.shots.indexOf(shot), 1, [{ ...shot, ...changes }]) : null;
}

/**
 * @param {Shot[]} shots
 * @param {import("./types.js").ShotReference} reference
 */
function shotLike(shots, { start, end, subjects }) {
  const shot = shots[indexAt(shots, start)];
  const same = shot?.start === start && shot.end === end && sameSubjects(shot.subjects, subjects);
  return same ? shot : undefined;
}

/**
 * @param {Cut} cut
 * @param {number} index
 * @param {number} removed
 * @param {Shot[]} shots
 */
function replaced(cut, index, removed, shots) {
  return { ...cut, shots: cut.shots.toSpliced(index, removed, ...shots) };
}

/**
 * @param {Cut} cut
 * @param {number} person
 * @param {object} changes
 */
function ofPerson(cut, person, changes) {
  const people = cut.people.map((one) => one.id === person ? { ...one, ...changes } : one);
  return { ...cut, people };
}
