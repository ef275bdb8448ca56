/** A style that is tried: a preset and values that differ from it. Pure, without the page. */

/** @typedef {Record<string, number | string>} Values */

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} group
 * @property {"number" | "choice"} kind
 * @property {string} unit
 * @property {number} minimum
 * @property {number} maximum
 * @property {boolean} excludes_minimum
 * @property {string[]} choices
 * @property {string} description
 */

/** Values of a number differ if they differ by more than a float's rounding on its way in JSON. */
const ROUNDING = 1e-9;

/** @param {number | string | undefined} one @param {number | string | undefined} other */
export function sameValue(one, other) {
  if (typeof one === "number" && typeof other === "number") return Math.abs(one - other) < ROUNDING;
  return one === other;
}

/**
 * What the service needs to know of a style. Of a preset: each value, null where it is the
 * preset's. Of an editor's own file, whose values only the service has: those that differ from
 * the cut's.
 * @param {string} style
 * @param {Values} values
 * @param {Values | undefined} preset
 * @param {{name: string, values: Values}} stored the style of the cut
 * @returns {{style: string | null, values: Record<string, number | string | null>}}
 */
export function asRequest(style, values, preset, stored) {
  const entries = Object.entries(values);
  const changes = preset
    ? entries.map(([name, value]) => [name, sameValue(value, preset[name]) ? null : value])
    : entries.filter(([name, value]) => !sameValue(value, stored.values[name]));
  return { style: style === stored.name ? null : style, values: Object.fromEntries(changes) };
}

/**
 * How many shots of a cut another one does not have: other frames, people or framing.
 * @param {import("./types.js").Shot[]} shots
 * @param {import("./types.js").Shot[]} others
 */
export function countDifferent(shots, others) {
  const keys = new Set(others.map(looks));
  return shots.filter((shot) => !keys.has(looks(shot))).length;
}

/** @param {import("./types.js").Shot} shot */
function looks({ start, end, subjects, crop, keys }) {
  return JSON.stringify([start, end, subjects, crop.map(Math.round), keys.length]);
}

/**
 * The part of a number's range that a slider covers: what presets use, four times over. The field
 * beside it takes the whole range.
 * @param {Field} field
 * @param {Values[]} presets
 * @param {number} value
 * @returns {{min: number, max: number, step: number}}
 */
export function sliderRange({ name, minimum, maximum }, presets, value) {
  const values = presets.map((preset) => Math.abs(Number(preset[name])));
  const usual = Math.max(...values, Math.abs(value));
  const max = Math.min(maximum, usual > 0 ? 4 * usual : maximum);
  const min = Math.max(minimum, minimum < 0 ? -max : minimum);
  // a hundred steps at least, and each a round number
  const step = 10 ** Math.floor(Math.log10((max - min) / 100));
  return { min, max, step };
}

/** How the page writes a field's name. @param {Field} field */
export function fieldLabel({ name }) {
  const words = name.replace(/_seconds$/, "").replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/**
 * How the page counts a field: shares in percent.
 * @param {Field} field
 * @returns {{factor: number, unit: string}}
 */
export function displayUnit({ unit }) {
  return unit === "share" ? { factor: 100, unit: "%" } : { factor: 1, unit };
}
