/** People: picture, name, how long seen, heard and on screen; ignore, prefer, merge. */

import { badge } from "./badge.js";
import { el, replaceKeepingFocus } from "./dom.js";
import { duration } from "./progress.js";

/** @typedef {import("./types.js").Person} Person */

export class PeoplePanel {
  /**
   * @param {HTMLElement} host
   * @param {import("./actions.js").Page} page
   */
  constructor(host, { model, side }) {
    this.host = host;
    this.model = model;
    this.side = side;
    this.waits = false;
    /** Pictures by person, which stay when the cards are drawn again. @type {Map<number, any>} */
    this.pictures = new Map();
    this.ids = "";
    model.addEventListener("people", () => this.draw());
    host.addEventListener("focusout", () => this.waits && setTimeout(() => this.draw()));
    this.draw();
  }

  draw() {
    const { people } = this.model;
    const field = document.activeElement;
    this.waits = field instanceof HTMLInputElement && this.host.contains(field)
      && field.value !== field.defaultValue;
    if (this.waits) return; // somebody types a name
    const ids = people.map(({ id }) => id).join();
    if (ids !== this.ids) this.pictures.clear();
    this.ids = ids;
    this.side.setCount("people", people.length);
    replaceKeepingFocus(this.host, people.length
      ? people.map((person) => this.card(person))
      : [el("p", { class: "dim" }, "No face was found in this recording.")]);
  }

  /** @param {Person} person */
  card(person) {
    const { id, label } = person;
    const times = { seen: person.seen_seconds, heard: person.heard_seconds,
      "on screen": person.shown_seconds };
    return el("article", { class: `person${person.ignore ? " ignored" : ""}`, "aria-label": label },
      this.picture(person),
      el("div", { class: "grow stack" },
        el("div", { class: "row" }, badge(id), this.nameField(person)),
        el("dl", { class: "times number" },
          ...Object.entries(times).map(([name, seconds]) =>
            el("div", {}, el("dt", {}, name), el("dd", {}, duration(seconds))))),
        el("div", { class: "row" },
          this.toggle(person, "ignore", "Ignore", "Never show this person alone; while they speak, "
            + "it is as if a voice off screen spoke"),
          this.toggle(person, "prefer", "Prefer", "This person wins overlaps and ties, "
            + "as a host does"),
          this.merging(person))));
  }

  /** @param {Person} person */
  picture({ id, label, picture }) {
    const image = this.pictures.get(id)
      ?? el("img", { src: picture, width: 64, height: 64, loading: "lazy" });
    this.pictures.set(id, image);
    image.alt = `Face of ${label}`;
    return image;
  }

  /** @param {Person} person */
  nameField({ id, name, label }) {
    const save = () => {
      const to = field.value.trim();
      if (to !== name) this.model.apply([{ name: "rename", person: id, to }]);
    };
    const field = el("input", {
      class: "grow name", defaultValue: name, placeholder: label, "data-key": `name ${id}`,
      "aria-label": `Name of ${label}`, spellcheck: false, autocomplete: "off", onchange: save,
      onkeydown: (/** @type {KeyboardEvent} */ { key }) => {
        if (key === "Escape") field.value = name;
        if (key === "Escape" || key === "Enter") field.blur();
      },
    });
    return field;
  }

  /**
   * @param {Person} person
   * @param {"ignore" | "prefer"} name
   * @param {string} text
   * @param {string} title
   */
  toggle(person, name, text, title) {
    return el("button", {
      type: "button", title, "aria-pressed": person[name], "data-key": `${name} ${person.id}`,
      onclick: () => this.model.apply([{ name, person: person.id, value: !person[name] }]),
    }, text);
  }

  /** @param {Person} person */
  merging({ id, label }) {
    const others = this.model.people.filter((person) => person.id !== id);
    if (!others.length) return null;
    return el("details", { class: "menu" },
      el("summary", { "data-key": `merge ${id}`, title: "Two numbers of one person become one" },
        "Is the same as…"),
      el("div", { class: "choices", role: "group", "aria-label": `${label} is the same as` },
        ...others.map((other) => el("button", {
          type: "button", onclick: () =>
            this.model.apply([{ name: "merge", person: id, into: other.id }]),
        }, badge(other.id), ` ${other.label}`))));
  }
}
