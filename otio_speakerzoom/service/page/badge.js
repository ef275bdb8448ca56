/** A person's number in the person's colour. */

import { el } from "./dom.js";

/** Colours of people; the next ones begin again, and the number tells them apart. */
const COLOURS = 8;

/** @param {number} id */
export function badge(id) {
  return el("span", { class: `badge p${((id - 1) % COLOURS) + 1}` }, id);
}
