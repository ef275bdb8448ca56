/** The tabs of the right column. */

import { el } from "./dom.js";
import { keyOf } from "./keys.js";
import { saveSetting, setting } from "./settings.js";

/** Panels by the ids of their elements, with what their tabs say. */
const TABS = /** @type {const} */ ({
  doubts: "Doubtful", people: "People", style: "Style", files: "Export",
});

export class Side {
  /** @param {HTMLElement} host element of the tab list */
  constructor(host) {
    this.host = host;
    /** @type {Record<string, string>} */
    this.counts = {};
    host.addEventListener("keydown", (event) => this.onKey(event));
    this.current = "";
    this.draw();
    this.show(setting("tab", "doubts"));
  }

  /** Draw the tabs again, since their keys may have changed. */
  draw() {
    this.host.replaceChildren(...Object.entries(TABS).map(([name, label]) => {
      element(name).setAttribute("aria-labelledby", `tab-${name}`);
      return el("button", {
        type: "button", role: "tab", id: `tab-${name}`, "aria-controls": name, "data-tab": name,
        title: `${label} (${keyOf(name)})`, onclick: () => this.show(name),
      }, label, el("span", { class: "count" }, this.counts[name]));
    }));
    if (this.current) this.show(this.current);
  }

  /**
   * Show a panel.
   * @param {string} name
   * @param {boolean} [focus] whether Tab goes on in the panel. No field takes the focus: the next
   *   key would be written into it.
   */
  show(name, focus = false) {
    this.current = name in TABS ? name : "doubts";
    saveSetting("tab", this.current);
    for (const tab of this.host.querySelectorAll("button")) {
      const selected = tab.dataset.tab === this.current;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      element(tab.dataset.tab ?? "").hidden = !selected;
    }
    if (focus) element(this.current).focus();
  }

  /**
   * Put a number behind the name of a tab; an empty text takes it away.
   * @param {string} name
   * @param {string | number} count
   */
  setCount(name, count) {
    this.counts[name] = count ? ` ${count}` : "";
    const place = this.host.querySelector(`#tab-${name} .count`);
    if (place) place.textContent = this.counts[name];
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = Object.keys(TABS);
    const next = names.at((names.indexOf(this.current ?? "") + step) % names.length) ?? names[0];
    this.show(next);
    element(`tab-${next}`).focus();
    event.preventDefault();
  }
}

/** @param {string} id */
function element(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
