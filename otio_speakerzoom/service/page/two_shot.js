/** Who joins the person on screen in a two-shot. */

import { getBytes } from "./api.js";

/** Bins that are enough to say who speaks most in a shot. */
const BINS = 200;

/**
 * The subjects of a two-shot in place of a shot: who is shown, and whom the doubt names, or who
 * else speaks most in the shot. Null where there are not two people.
 * @param {import("./model.js").Model} model
 * @param {import("./types.js").Shot} shot
 * @returns {Promise<number[] | null>}
 */
export async function twoShotSubjects(model, shot) {
  if (shot.subjects.length === 2) return shot.subjects;
  const people = model.people
    .filter(({ id, ignore }) => !ignore || shot.subjects.includes(id));
  if (people.length < 2) return null;
  const ids = people.map(({ id }) => id);
  if (ids.length === 2) return ids;
  const speech = await speechIn(model, shot);
  const bySpeech = ids.sort((one, other) => (speech.get(other) ?? 0) - (speech.get(one) ?? 0));
  const first = shot.subjects[0] ?? bySpeech[0];
  const others = bySpeech.filter((id) => id !== first);
  const second = shot.doubt?.others.find((id) => others.includes(id)) ?? others[0];
  return [first, second];
}

/**
 * How much each person speaks in a shot, by their ribbons; nothing where these are missing.
 * @param {import("./model.js").Model} model
 * @param {import("./types.js").Shot} shot
 * @returns {Promise<Map<number, number>>}
 */
async function speechIn(model, { start, end }) {
  const level = Math.max(0, Math.ceil(Math.log2((end - start) / BINS)));
  const first = start >> level;
  const last = ((end - 1) >> level) + 1;
  const bytes = await getBytes(`api/ribbons/${level}?start=${first}&end=${last}`).catch(() => null);
  if (!bytes) return new Map();
  const values = new Uint8Array(bytes);
  const length = values.length / model.state.people.length;
  const ids = model.state.people.map((/** @type {{id: number}} */ { id }) => id);
  return new Map(ids.map((/** @type {number} */ id, /** @type {number} */ n) =>
    [id, values.subarray(n * length, (n + 1) * length).reduce((sum, value) => sum + value, 0)]));
}
