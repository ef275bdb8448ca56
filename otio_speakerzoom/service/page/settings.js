/** Choices that the page remembers in this browser: toggles, the split, changed keys. */

const PREFIX = "speakerzoom.";

/**
 * The remembered value, or `fallback` where none is, or where it cannot be read.
 * @template T
 * @param {string} name
 * @param {T} fallback
 * @returns {T}
 */
export function setting(name, fallback) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

/**
 * Remember a value; `undefined` forgets it. A browser that stores nothing only forgets it sooner.
 * @param {string} name
 * @param {unknown} value
 */
export function saveSetting(name, value) {
  try {
    if (value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // storage is full or not allowed here: the choice holds until the page closes
  }
}
