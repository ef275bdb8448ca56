/** One value of a style: a slider with a field, or a choice, with its unit and its sentence. */

import { el } from "./dom.js";
import { displayUnit, fieldLabel, sameValue, sliderRange } from "./style_draft.js";

/** @typedef {import("./style_draft.js").Field} Field */

export class StyleKnob {
  /**
   * @param {Field} field
   * @param {import("./panel_style.js").StylePanel} panel
   */
  constructor(field, panel) {
    this.field = field;
    this.panel = panel;
    const label = fieldLabel(field);
    const id = `style-${field.name}`;
    this.back = el("button", {
      type: "button", class: "quiet back", title: `Back to the preset's ${label.toLowerCase()}`,
      "aria-label": `Back to the preset's ${label.toLowerCase()}`,
      onclick: () => panel.set(field.name, panel.preset[field.name]),
    }, "↺");
    this.controls = field.kind === "number" ? this.number(label, id) : this.choice(id);
    this.element = el("div", { class: "knob" },
      el("div", { class: "knob-line" },
        el("label", { class: "grow clip", for: id }, label), this.back, ...this.controls),
      this.slider, el("p", { class: "dim", id: `${id}-about` }, field.description));
  }

  /**
   * @param {string} label
   * @param {string} id
   */
  number(label, id) {
    const { name } = this.field;
    const { factor, unit } = displayUnit(this.field);
    this.slider = el("input", {
      type: "range", "aria-label": label, "aria-describedby": `${id}-about`,
      oninput: () => this.panel.set(name, Number(this.slider.value)),
    });
    this.box = el("input", {
      type: "number", id, class: "number", step: "any", "aria-describedby": `${id}-about`,
      min: this.field.minimum * factor, max: this.field.maximum * factor,
      onchange: () => this.take(factor),
    });
    return [this.box, el("span", { class: "unit dim clip", title: unit }, unit)];
  }

  /** @param {string} id */
  choice(id) {
    const { name, choices } = this.field;
    this.box = el("select", {
      id, "aria-describedby": `${id}-about`, onchange: () => this.panel.set(name, this.box.value),
    }, ...choices.map((word) => el("option", { value: word }, word)));
    return [this.box];
  }

  /** Take what was typed; the browser says what is wrong with it. @param {number} factor */
  take(factor) {
    const value = this.box.valueAsNumber / factor;
    const { minimum, excludes_minimum: excludes } = this.field;
    this.box.setCustomValidity(excludes && value <= minimum ? `More than ${minimum * factor}` : "");
    if (this.box.reportValidity() && !Number.isNaN(value)) this.panel.set(this.field.name, value);
  }

  /**
   * @param {number | string} value
   * @param {number | string} preset the value of the preset
   */
  draw(value, preset) {
    const differs = !sameValue(value, preset);
    this.element.classList.toggle("differs", differs);
    this.back.disabled = !differs;
    if (this.field.kind === "choice") {
      this.box.value = value;
      return;
    }
    const { factor } = displayUnit(this.field);
    if (document.activeElement !== this.slider) {
      const range = sliderRange(this.field, Object.values(this.panel.presets), Number(value));
      Object.assign(this.slider, range);
      if (this.field.excludes_minimum && range.min === this.field.minimum)
        this.slider.min = range.min + range.step;
    }
    this.slider.value = value;
    // four digits say more than a hand can set
    this.box.value = Number((Number(value) * factor).toPrecision(4));
  }
}
