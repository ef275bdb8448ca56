/** The lines under the pictures: where we are and why, and a button for everything that edits. */

import { run } from "./actions.js";
import { badge } from "./badge.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { keyOf } from "./keys.js";

/** @typedef {import("./actions.js").Page} Page */

/** More buttons than the nine number keys would not fit the line; the panel of people has all. */
const MOST_PEOPLE = 9;

export class Transport {
  /**
   * @param {HTMLElement} host
   * @param {Page} page
   */
  constructor(host, page) {
    this.page = page;
    this.host = host;
    this.parts = this.build();
    const { model, player } = page;
    player.addEventListener("frame", () => this.drawFrame());
    for (const name of ["play", "points", "unplayable"])
      player.addEventListener(name, () => this.drawPlay());
    for (const name of ["volumechange", "loadeddata"])
      player.video.addEventListener(name, () => this.drawPlay());
    for (const name of ["shots", "selection", "preview", "state", "saving"])
      model.addEventListener(name, () => this.drawShot());
    model.addEventListener("people", () => this.drawPeople());
  }

  /** Build the lines; again after the keys have changed. */
  build() {
    const parts = {
      timecode: el("output", { class: "timecode number", "aria-label": "Timecode" }),
      state: el("span", { class: "dim play-state" }),
      shot: el("span", { class: "shot-line clip grow" }),
      people: el("div", { class: "row people", role: "group", "aria-label": "Show" }),
    };
    this.parts = parts;
    this.play = this.button("play", icon("play"));
    this.loop = this.button("around", icon("loop"));
    this.mute = this.button("mute", icon("sound"));
    this.lock = this.button("lock", "Lock", icon("lock"));
    this.undo = this.button("undo", icon("undo"));
    this.redo = this.button("redo", icon("redo"));
    this.host.replaceChildren(
      el("div", { class: "line" },
        this.button("previous-cut", icon("previous")), this.play,
        this.button("next-cut", icon("next")), this.loop, this.mute,
        this.parts.timecode, this.parts.state, this.parts.shot),
      el("div", { class: "line" },
        this.parts.people, el("span", { class: "gap" }),
        this.button("split", "Split"), this.button("join", "Join"), this.lock,
        el("span", { class: "grow" }), this.undo, this.redo,
        this.button("files", icon("export"), "Export")),
    );
    this.drawPeople();
    this.drawPlay();
    this.drawFrame();
    this.drawShot();
    return parts;
  }

  /**
   * @param {string} name of an action
   * @param {...(Node | string)} content
   */
  button(name, ...content) {
    const key = keyOf(name);
    const text = content.some((part) => typeof part === "string");
    return el("button", {
      type: "button", "data-action": name, "aria-keyshortcuts": key, "aria-label": TITLES[name],
      title: TITLES[name] + (key ? ` (${key})` : ""), onclick: () => run(this.page, name),
    }, ...content, text && key && key.length < 3 && el("kbd", { "aria-hidden": "true" }, key));
  }

  drawPeople() {
    const people = this.page.model.people.slice(0, MOST_PEOPLE);
    this.parts.people.replaceChildren(
      ...people.map(({ id, label }) => el("button", {
        type: "button", "data-subjects": id, title: `Show ${label} (${keyOf(`person-${id}`)})`,
        onclick: () => run(this.page, `person-${id}`),
      }, badge(id), el("span", { class: "clip" }, label))),
      this.button("wide", "Wide"),
      people.length > 1 && this.button("two-shot", "Two-shot") || "",
    );
    this.drawShot();
  }

  drawFrame() {
    const { player, model } = this.page;
    this.parts.timecode.textContent = model.label(player.frame);
  }

  drawPlay() {
    const { player, model } = this.page;
    const { playing, rate, looping, inPoint, outPoint } = player;
    this.play.replaceChildren(icon(playing ? "pause" : "play"));
    this.play.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.loop.setAttribute("aria-pressed", String(Boolean(looping)));
    this.mute.replaceChildren(icon(player.video.muted ? "mute" : "sound"));
    this.mute.setAttribute("aria-pressed", String(player.video.muted));
    const points = [inPoint === null ? "" : `in ${model.label(inPoint)}`,
      outPoint === null ? "" : `out ${model.label(outPoint)}`];
    this.parts.state.textContent = [
      player.stills ? "Stills" : playing ? playText(rate) : "Paused",
      looping ? "in a loop" : "", ...points,
    ].filter(Boolean).join(", ");
  }

  drawShot() {
    const { model } = this.page;
    const { shot, selected } = model;
    const { undo, redo } = model.state;
    const waits = model.sync?.queue.isStuck ? "the last edit, which is not saved yet" : "";
    this.setStep(this.undo, "Undo", waits || undo);
    this.setStep(this.redo, "Redo", redo);
    this.lock.setAttribute("aria-pressed", String(Boolean(shot?.locked)));
    for (const button of this.parts.people.querySelectorAll("[data-subjects]")) {
      const id = Number(button.getAttribute("data-subjects"));
      button.setAttribute("aria-pressed", String(Boolean(shot?.subjects.includes(id))));
    }
    const wide = this.parts.people.querySelector("[data-action=wide]");
    wide?.setAttribute("aria-pressed", String(shot?.subjects.length === 0));
    this.parts.shot.replaceChildren(...(shot ? shotLine(model, shot, selected) : []));
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {string} verb
   * @param {string} what sentence of what it would change
   */
  setStep(button, verb, what) {
    button.disabled = !what;
    const name = verb.toLowerCase();
    button.title = what ? `${verb}: ${what} (${keyOf(name)})` : `Nothing to ${name}`;
  }
}

/** @type {Record<string, string>} */
const TITLES = {
  play: "Play", "previous-cut": "Previous cut", "next-cut": "Next cut", mute: "Sound on or off",
  around: "Play around the cut, in a loop", lock: "Lock or unlock the shot", undo: "Undo",
  redo: "Redo", split: "Split at the playhead", join: "Join with the shot before",
  files: "Export", wide: "Show the wide", "two-shot": "Show two people",
};

/** @param {number} rate */
function playText(rate) {
  const speed = Math.abs(rate) === 1 ? "" : ` at ${Math.abs(rate)}×`;
  return rate < 0 ? `Playing in reverse${speed}` : `Playing${speed}`;
}

/**
 * @param {import("./model.js").Model} model
 * @param {import("./types.js").Shot} shot
 * @param {number} index
 */
function shotLine(model, shot, index) {
  const { reason, confidence, subjects, locked, crop_locked: cropLocked } = shot;
  const sure = `${Math.round(100 * confidence)} % sure`;
  const lock = cropLocked ? "locked with its crop" : locked ? "locked" : sure;
  const total = model.programmeShots().length;
  const count = `${model.preview ? "Preview: shot" : "Shot"} ${index + 1} of ${total}`;
  return [
    el("b", { class: "number" }, count), " · ",
    ...subjects.flatMap((id) => [badge(id), " "]),
    el("span", {}, model.describe(subjects)), " · ",
    el("span", { class: "dim", title: reason }, reason === "locked" ? lock : `${reason} · ${lock}`),
  ];
}
