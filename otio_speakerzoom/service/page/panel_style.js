/** Style: presets and every knob; a moved knob shows the new cut at once, and nothing is saved. */

import { ApiError, getJson, send } from "./api.js";
import { debounce, el, replaceKeepingFocus } from "./dom.js";
import { StyleKnob } from "./style_knob.js";
import { asRequest, countDifferent, sameValue } from "./style_draft.js";

/** @typedef {import("./style_draft.js").Field} Field */
/** @typedef {import("./style_draft.js").Values} Values */

/** Rest of the hand before a plan is asked for, in ms: a plan of an hour takes longer. */
const REST = 150;

/** The groups that editors turn first; the rest is as the service orders it. */
const FIRST_GROUPS = ["when to cut", "who is shown", "framing"];

export class StylePanel {
  /**
   * @param {HTMLElement} host
   * @param {import("./actions.js").Page} page
   */
  constructor(host, { model, side }) {
    this.host = host;
    this.model = model;
    this.side = side;
    /** @type {Record<string, Values>} */
    this.presets = {};
    /** @type {StyleKnob[]} */
    this.knobs = [];
    /** @type {Values} */
    this.values = {};
    this.style = "";
    /** The stored style as this panel saw it last, as JSON. */
    this.current = "";
    this.trouble = "";
    /** Revision of the cut that the preview stands on. */
    this.revision = "";
    /** Whether the style is on its way to the service. */
    this.applies = false;
    /** Counts the changes of the values, so that late answers are known as such. */
    this.draft = 0;
    this.isPlanning = false;
    this.presetRow = el("div", { class: "row", role: "group", "aria-label": "Preset" });
    this.status = el("div", { class: "style-status", role: "status" });
    this.planSoon = debounce(() => this.plan(), REST);
    model.addEventListener("state", () => this.takeStored());
    this.load();
  }

  async load() {
    let about;
    try {
      about = await getJson("api/style");
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      this.host.replaceChildren(el("p", { class: "warn" }, fault.message));
      return;
    }
    this.presets = about.presets;
    this.current = JSON.stringify(this.stored);
    this.reset();
    this.knobs = about.fields.map((/** @type {Field} */ field) => new StyleKnob(field, this));
    const groups = Map.groupBy(this.knobs, ({ field }) => field.group);
    const order = [...new Set([...FIRST_GROUPS, ...groups.keys()])]
      .filter((name) => groups.has(name));
    this.host.replaceChildren(
      el("div", { class: "style-head" }, this.presetRow, this.status),
      ...order.map((name) => el("details", { class: "group", open: true },
        el("summary", {}, name[0].toUpperCase() + name.slice(1)),
        ...(groups.get(name) ?? []).map((knob) => knob.element))),
    );
    this.draw();
  }

  /** The values as the cut has them. */
  get stored() {
    return this.model.state.style;
  }

  /** The values to go back to: the preset's, or those of the cut where its style is a file. */
  get preset() {
    return this.presets[this.style] ?? this.stored.values;
  }

  get request() {
    return asRequest(this.style, this.values, this.presets[this.style], this.stored);
  }

  reset() {
    this.style = this.stored.name;
    this.values = { ...this.stored.values };
  }

  isChanged() {
    return this.style !== this.stored.name || Object.entries(this.stored.values)
      .some(([name, value]) => !sameValue(value, this.values[name]));
  }

  /** Follow a change of the stored style, unless another one is tried here. */
  takeStored() {
    // somebody else has changed the cut under the preview
    if (this.model.preview && this.model.state.revision !== this.revision) this.planSoon();
    const stored = JSON.stringify(this.stored);
    if (stored === this.current || !this.knobs.length) return;
    this.current = stored;
    if (!this.model.preview && !this.applies) this.reset();
    this.draw();
  }

  /** @param {string} name of a preset */
  choose(name) {
    this.style = name;
    this.values = { ...this.preset };
    this.change();
  }

  /**
   * @param {string} name
   * @param {number | string} value
   */
  set(name, value) {
    this.values[name] = value;
    this.change();
  }

  change() {
    this.draft += 1;
    this.trouble = "";
    this.draw();
    this.planSoon();
  }

  /**
   * Show the cut that the values make. One request at a time, since a plan takes the service a
   * second where the film is long; then the latest values.
   */
  async plan() {
    if (this.isPlanning) return;
    this.isPlanning = true;
    let draft;
    do {
      draft = this.draft;
      await this.planOnce(draft);
    } while (draft !== this.draft);
    this.isPlanning = false;
  }

  /** @param {number} draft number of the draft, whose answer counts only while it is the latest */
  async planOnce(draft) {
    if (this.applies) return;
    this.revision = this.model.state.revision;
    let shots = null;
    let trouble = "";
    try {
      if (this.isChanged()) ({ shots } = await send("POST", "api/plan", this.request));
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      trouble = fault.message;
    }
    if (draft !== this.draft) return;
    this.trouble = trouble;
    this.model.setPreview(shots);
    this.draw();
  }

  async apply() {
    this.draft += 1;
    const saved = this.model.apply([{ name: "set_style", ...this.request }],
      this.model.preview ?? this.model.shots);
    this.applies = true;
    this.draw();
    const isSaved = await saved;
    this.applies = false;
    if (isSaved) this.reset();
    else this.plan();
    this.draw();
  }

  discard() {
    this.draft += 1;
    this.reset();
    this.trouble = "";
    this.model.setPreview(null);
    this.draw();
  }

  draw() {
    const names = new Set([...Object.keys(this.presets), this.stored.name]);
    replaceKeepingFocus(this.presetRow, [...names].map((name) => el("button", {
      type: "button", "aria-pressed": name === this.style, "data-key": name,
      onclick: () => this.choose(name),
    }, name[0].toUpperCase() + name.slice(1))));
    for (const knob of this.knobs)
      knob.draw(this.values[knob.field.name], this.preset[knob.field.name]);
    const changed = this.isChanged();
    this.side.setCount("style", changed ? "•" : "");
    replaceKeepingFocus(this.status, changed || this.trouble ? this.changes() : []);
  }

  changes() {
    if (this.applies) return [el("p", { class: "dim" }, "Applying…")];
    const { preview, shots } = this.model;
    const text = this.trouble || (preview ? inWords(preview, shots) : "Planning…");
    return [
      el("p", { class: this.trouble ? "warn grow" : "grow" }, text),
      el("button", { type: "button", class: "primary", "data-key": "apply",
        disabled: Boolean(this.trouble), onclick: () => this.apply() }, "Apply"),
      el("button", { type: "button", "data-key": "discard", onclick: () => this.discard() },
        "Discard"),
    ];
  }
}

/**
 * @param {import("./types.js").Shot[]} preview
 * @param {import("./types.js").Shot[]} shots
 */
function inWords(preview, shots) {
  const count = countDifferent(preview, shots);
  if (!count && preview.length === shots.length) return "The cut stays as it is.";
  const total = preview.length === shots.length ? "in all" : `in all, ${shots.length} before`;
  return `Preview: ${count} new ${count === 1 ? "shot" : "shots"}; ${preview.length} ${total}.`;
}
