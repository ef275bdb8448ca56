/** The list of keys, in which they can be changed. */

import { ACTIONS } from "./actions.js";
import { el, replaceKeepingFocus } from "./dom.js";
import { changeKeys, chordsOf, conflicts, inWords, keyTable, resetKeys } from "./keys.js";

export class Help {
  /**
   * @param {HTMLDialogElement} dialog
   * @param {() => void} onChange called after keys were changed
   */
  constructor(dialog, onChange) {
    this.dialog = dialog;
    this.onChange = onChange;
    /** Name of the action whose new key is awaited. @type {string | null} */
    this.awaiting = null;
    dialog.addEventListener("keydown", (event) => this.onKey(event));
    dialog.addEventListener("close", () => {
      this.awaiting = null;
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }

  toggle() {
    if (this.dialog.open) {
      this.dialog.close();
      return;
    }
    this.draw();
    this.dialog.showModal();
  }

  draw() {
    const table = keyTable();
    const shared = conflicts();
    const groups = Map.groupBy(ACTIONS, ({ group }) => group);
    replaceKeepingFocus(this.dialog, [
      el("div", { class: "row" }, el("h2", { id: "help-title", class: "grow" }, "Keys"),
        el("button", { type: "button", "data-key": "reset", onclick: () => this.reset() },
          "Back to the first keys"),
        el("button", { type: "button", "data-key": "close", autofocus: true,
          onclick: () => this.dialog.close() }, "Close")),
      el("p", { class: "dim" }, "Click a key to change it, then press the new one; Esc leaves it, "
        + "Delete takes it away. Keys act on the shot under the playhead. Browsers do not play "
        + "in reverse: J steps backwards without sound. Alt or Shift turns the magnet off while "
        + "you drag a cut."),
      ...[...shared].map(([chord, names]) => el("p", { class: "warn" },
        `${inWords(chord)} is used twice: ${names.map(labelOf).join("; ")}. It does the first.`)),
      el("div", { class: "key-groups" }, ...[...groups].map(([group, actions]) =>
        el("section", {}, el("h3", {}, group),
          ...actions.map(({ name, label }) => this.row(name, label, table.get(name) ?? []))))),
    ]);
  }

  /**
   * @param {string} name
   * @param {string} label
   * @param {string[]} chords
   */
  row(name, label, chords) {
    const text = this.awaiting === name ? "press a key" : chords.map(inWords).join("  ") || "none";
    return el("div", { class: "key-row" }, el("span", { class: "grow" }, label),
      el("button", {
        type: "button", "data-key": name, "aria-label": `${label}: ${text}. Change`,
        class: this.awaiting === name ? "primary" : "", onclick: () => {
          this.awaiting = name;
          this.draw();
        },
      }, text));
  }

  reset() {
    resetKeys();
    this.draw();
    this.onChange();
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (!this.awaiting) {
      if (event.key !== "?") return;
      event.preventDefault();
      this.dialog.close();
      return;
    }
    const [chord] = chordsOf(event);
    if (!chord) return;
    event.preventDefault();
    event.stopPropagation();
    if (chord !== "Escape") {
      changeKeys(this.awaiting, chord === "Delete" ? [] : [chord]);
      this.onChange();
    }
    this.awaiting = null;
    this.draw();
  }
}

/** @param {string} name */
function labelOf(name) {
  return ACTIONS.find((action) => action.name === name)?.label ?? name;
}
