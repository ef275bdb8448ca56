/** The list of doubtful cuts: why, how sure, who else it could be, and a loop around the cut. */

import { give } from "./actions.js";
import { badge } from "./badge.js";
import { el, onceAFrame, replaceKeepingFocus } from "./dom.js";
import { listOrder, saveListOrder, toReview, visitDoubt } from "./doubts.js";
import { icon } from "./icons.js";
import { keyOf } from "./keys.js";
import { referenceTo } from "./operations.js";
import { duration } from "./progress.js";

/** @typedef {import("./types.js").Shot} Shot */

/** Rows that are made at once: more than any screen shows; scrolling makes more. */
const ROWS = 60;
/** Most people offered in a row that names nobody else itself. */
const MOST_OTHERS = 4;

export class DoubtsPanel {
  /**
   * @param {HTMLElement} host
   * @param {import("./actions.js").Page} page
   */
  constructor(host, page) {
    this.page = page;
    this.list = el("ul", { class: "shots", "aria-label": "Cuts to review" });
    this.head = el("div", { class: "row head" });
    this.more = el("div", { class: "more" });
    this.rows = ROWS;
    host.replaceChildren(this.head, this.list, this.more);
    new IntersectionObserver((entries) => {
      if (!entries[0].isIntersecting || this.rows >= this.shots.length) return;
      this.rows += ROWS;
      this.draw();
    }, { root: host }).observe(this.more);
    const draw = onceAFrame(() => this.draw());
    for (const name of ["shots", "people"]) page.model.addEventListener(name, draw);
    page.model.addEventListener("selection", () => this.mark());
    /** @type {Shot[]} */
    this.shots = [];
    this.draw();
  }

  draw() {
    const { model, side } = this.page;
    this.shots = toReview(model.programmeShots());
    const count = model.programmeShots().filter((shot) => shot.doubt).length;
    side.setCount("doubts", count);
    this.head.replaceChildren(...this.controls(count));
    const rows = this.shots.slice(0, this.rows).map((shot) => this.row(shot));
    replaceKeepingFocus(this.list, rows);
    if (model.preview) this.list.prepend(el("li", { class: "empty dim" },
      "The preview of a style. Apply or discard it to change shots."));
    if (!rows.length) this.list.append(el("li", { class: "empty dim" }, "No cut is doubtful."));
    this.mark();
  }

  /** @param {number} count */
  controls(count) {
    const { all: choseAll, byTime } = listOrder();
    const all = choseAll ?? !count;
    /** @param {string} text @param {boolean} on @param {object} change */
    const choice = (text, on, change) => el("button", {
      type: "button", "aria-pressed": on, "data-key": text, onclick: () => {
        saveListOrder(change);
        this.rows = ROWS;
        this.draw();
      },
    }, text);
    return [
      choice(`Doubtful ${count}`, !all, { all: false }),
      choice(`All ${this.page.model.programmeShots().length}`, all, { all: true }),
      el("span", { class: "grow" }),
      choice("Least sure", !byTime, { byTime: false }),
      choice("Time", byTime, { byTime: true }),
    ];
  }

  /** @param {Shot} shot */
  row(shot) {
    const { model } = this.page;
    const key = `${shot.start}-${shot.end}`;
    const sure = Math.round(100 * shot.confidence);
    const length = duration((shot.end - shot.start) * model.state.source.rate[1]
      / model.state.source.rate[0]);
    const title = el("button", {
      type: "button", class: "row-main", "data-key": key,
      onclick: () => visitDoubt(this.page, shot),
    },
    el("span", { class: "number" }, model.label(shot.start)),
    el("span", { class: "who clip" },
      ...shot.subjects.map(badge), " ", model.describe(shot.subjects)),
    el("span", { class: "dim number" }, length),
    el("span", { class: `sure number${shot.doubt ? " warn" : ""}` },
      shot.locked ? "locked" : `${sure} %`));
    return el("li", { "data-start": shot.start }, title,
      shot.reason !== "locked" && el("p", { class: "why dim", title: shot.reason }, this.why(shot)),
      !model.preview && el("div", { class: "row choices" }, ...this.choices(shot, key)));
  }

  /** @param {Shot} shot */
  why({ reason, doubt }) {
    return doubt && doubt.why !== reason ? `${reason}. ${doubt.why}` : reason;
  }

  /**
   * @param {Shot} shot
   * @param {string} key
   */
  choices(shot, key) {
    const { model } = this.page;
    const named = shot.doubt?.others ?? [];
    const rest = model.people.filter((person) => !person.ignore).map(({ id }) => id);
    const others = (named.length ? named : rest).filter((id) => !shot.subjects.includes(id));
    /** @param {string} title @param {number[]} subjects @param {...any} content */
    const choice = (title, subjects, ...content) => el("button", {
      type: "button", title, "data-key": `${key} ${title}`,
      onclick: () => give(model, subjects, shot),
    }, ...content);
    return [
      el("button", { type: "button", title: `Play around the cut, in a loop (${keyOf("around")})`,
        "aria-label": "Play around the cut, in a loop", "data-key": `${key} loop`,
        onclick: () => visitDoubt(this.page, shot, true) }, icon("loop")),
      ...others.slice(0, MOST_OTHERS).map((id) =>
        choice(`Show ${model.labelOf(id)} instead`, [id], badge(id),
          el("span", { class: "clip" }, model.labelOf(id)))),
      shot.subjects.length > 0 && choice("Show the wide instead", [], "Wide"),
      !shot.locked && el("button", { type: "button", class: "quiet", "data-key": `${key} right`,
        title: "It is right: lock the shot as it is", onclick: () =>
          model.apply([{ name: "lock", shot: referenceTo(shot) }]) }, "Keep"),
    ];
  }

  /** Mark the row of the selected shot and bring it into view, unless a hand is in the list. */
  mark() {
    const { shot, visited } = this.page.model;
    const index = shot && shot === visited ? this.shots.indexOf(shot) : -1;
    if (index >= this.rows) {
      this.rows = index + ROWS;
      this.draw();
      return;
    }
    for (const row of this.list.querySelectorAll("[aria-current]"))
      row.removeAttribute("aria-current");
    const row = shot && this.list.querySelector(`[data-start="${shot.start}"]`);
    if (!row) return;
    row.setAttribute("aria-current", "true");
    if (!this.list.matches(":hover")) row.scrollIntoView({ block: "nearest" });
  }
}
