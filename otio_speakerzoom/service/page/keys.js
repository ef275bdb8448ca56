/** Keys: which chord runs which action, changes to that, and the listener. */

import { ACTIONS } from "./actions.js";
import { saveSetting, setting } from "./settings.js";

/** Changed keys: chords by the name of the action. */
const PLACE = "keys";

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** Elements in which keys are for writing and choosing. */
const FIELDS = "input:not([type=checkbox]):not([type=range]), select, textarea, [contenteditable]";
/** Keys by which an element that is no field works itself. */
const OWN_KEYS = [
  ["button, summary, a, input[type=checkbox]", /^(Space|Enter)$/],
  ["input[type=range], [role=separator]", /^(Shift\+)?(Arrow.*|Home|End|PageUp|PageDown)$/],
  ["[role=tab]", /^Arrow(Left|Right)$/],
  ["[role=tabpanel]", /^(PageUp|PageDown)$/],
];

/**
 * The chords that an event may mean: by what the key writes, else by where it lies on the keyboard,
 * so that letters work in every script and digits where they need Shift.
 * @param {KeyboardEvent} event
 * @returns {string[]}
 */
export function chordsOf(event) {
  const { key, code } = event;
  if (["Control", "Shift", "Alt", "Meta", "Dead", "Process"].includes(key)) return [];
  const altGraph = event.getModifierState("AltGraph");
  const mod = isMac ? event.metaKey : event.ctrlKey && !altGraph;
  if ((event.altKey && !altGraph) || (isMac ? event.ctrlKey : event.metaKey)) return [];
  const prefix = mod ? "Mod+" : "";
  const shift = event.shiftKey ? "Shift+" : "";
  const written = key === " " ? "Space" : key.length === 1 ? key.toUpperCase() : key;
  // a sign that needs Shift is the sign itself: "?" and not "Shift+?"
  const isSign = written.length === 1 && written.toLowerCase() === written.toUpperCase();
  const place = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(code)?.[1];
  const chords = [prefix + (isSign ? "" : shift) + written];
  if (place && place !== written) chords.push(prefix + (/\d/.test(place) ? "" : shift) + place);
  return chords;
}

/** The chords of every action, with the changes that were made. @returns {Map<string, string[]>} */
export function keyTable() {
  const changes = setting(PLACE, /** @type {Record<string, string[]>} */ ({}));
  return new Map(ACTIONS.map(({ name, keys }) => [name, changes[name] ?? keys]));
}

/** @param {string} name @param {string[]} chords */
export function changeKeys(name, chords) {
  saveSetting(PLACE, { ...setting(PLACE, {}), [name]: chords });
}

/** Take back all changes. */
export function resetKeys() {
  saveSetting(PLACE, undefined);
}

/**
 * The actions that share a chord with another one: their keys do only the first of them.
 * @returns {Map<string, string[]>} names of actions by chord
 */
export function conflicts() {
  /** @type {Map<string, string[]>} */
  const users = new Map();
  for (const [name, chords] of keyTable())
    for (const chord of chords) users.set(chord, [...(users.get(chord) ?? []), name]);
  return new Map([...users].filter(([, names]) => names.length > 1));
}

/** The first key of an action, as it is written on the page. @param {string} name */
export function keyOf(name) {
  const [chord] = keyTable().get(name) ?? [];
  return chord ? inWords(chord) : "";
}

/** @type {Record<string, string>} */
const WORDS = {
  ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Backspace: "⌫",
  Mod: isMac ? "⌘" : "Ctrl",
};

/** @param {string} chord */
export function inWords(chord) {
  const parts = chord === "+" ? ["+"] : chord.split(/\+(?=.)/);
  return parts.map((part) => WORDS[part] ?? part).join(isMac ? "" : "+");
}

/**
 * Run the actions of keys on a page.
 * @param {import("./actions.js").Page} page
 */
export function listenToKeys(page) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const target = /** @type {Element} */ (event.target);
    if (target.matches?.(FIELDS)) return;
    const chords = chordsOf(event);
    if (OWN_KEYS.some(([selector, keys]) => target.matches?.(/** @type {string} */ (selector))
      && /** @type {RegExp} */ (keys).test(chords[0] ?? ""))) return;
    const table = keyTable();
    const action = chords
      .map((chord) => ACTIONS.find(({ name }) => table.get(name)?.includes(chord)))
      .find((one) => one);
    if (!action) return;
    event.preventDefault();
    if (!event.repeat || action.repeats) action.run(page);
  });
  // a button that was clicked does not keep the space bar from playing
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button, summary");
    if (button instanceof HTMLElement && event.detail > 0) button.blur();
  });
}
