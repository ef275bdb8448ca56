/** Exports and films: a button for every format, what is being made, and what is there. */

import { ApiError, send } from "./api.js";
import { el, replaceKeepingFocus } from "./dom.js";
import { progressOf } from "./progress.js";
import { saveSetting, setting } from "./settings.js";

/** @typedef {import("./types.js").Job} Job */

/** Heights of a film to look at; the service makes none larger than the canvas. */
const HEIGHTS = [360, 540, 720, 1080];

export class FilesPanel {
  /**
   * @param {HTMLElement} host
   * @param {import("./actions.js").Page} page
   */
  constructor(host, { model, player, side }) {
    this.model = model;
    this.player = player;
    this.side = side;
    this.formats = el("div", { class: "formats" });
    this.film = el("div", { class: "row" });
    this.list = el("ul", { class: "jobs" });
    host.replaceChildren(
      el("h3", {}, "Timeline for an editor"), this.formats,
      el("p", { class: "dim" }, "Refers to the original file, and lies beside it."),
      el("h3", {}, "Film to look at"), this.film,
      el("h3", {}, "Files"), this.list,
    );
    model.addEventListener("jobs", () => this.drawJobs());
    model.addEventListener("state", () => this.drawFormats());
    player.addEventListener("points", () => this.drawFilm());
    /** The formats on the page, as JSON. */
    this.current = "";
    this.drawFormats();
    this.drawFilm();
    this.drawJobs();
  }

  drawFormats() {
    /** @type {{editor: string, suffix: string, label: string}[]} */
    const formats = this.model.state.formats ?? [];
    const { resolve = false } = this.model.state;
    const text = JSON.stringify([formats, resolve]);
    if (text === this.current) return;
    this.current = text;
    const programs = Map.groupBy(formats, ({ label }) => label);
    const rows = [...programs].map(([label, all]) =>
      el("div", { class: "row" },
        el("span", { class: "grow clip" }, label[0].toUpperCase() + label.slice(1)),
        ...all.map(({ editor, suffix }) => el("button", {
          type: "button", "data-key": `${editor}${suffix}`,
          title: `${label}: write the timeline (${suffix})`,
          "aria-label": `Write a timeline for ${label}, ${suffix}`,
          onclick: () => this.start({ kind: "export", editor, suffix }),
        }, suffix))));
    if (resolve) rows.unshift(this.resolveRow());
    replaceKeepingFocus(this.formats, rows);
  }

  /** The script is in Resolve's menu: it can build the cut in the project that is open there. */
  resolveRow() {
    return el("div", { class: "row" },
      el("span", { class: "grow clip" }, "DaVinci Resolve, the open project"),
      el("button", { type: "button", "data-key": "send",
        title: "Build the cut there from the clip in the media pool",
        onclick: () => this.start({ kind: "send" }) }, "Build"));
  }

  drawFilm() {
    const { inPoint, outPoint } = this.player;
    const [first, last] = this.model.range;
    const part = inPoint !== null || outPoint !== null;
    const height = setting("film.height", HEIGHTS[1]);
    const heights = HEIGHTS.filter((one) => one < this.model.state.canvas[1]);
    const choice = el("select", { "aria-label": "Height of the film", "data-key": "height",
      onchange: () => saveSetting("film.height", Number(choice.value)) },
    ...heights.map((one) => el("option", { value: one, selected: one === height }, `${one} lines`)),
    el("option", { value: 0, selected: height === 0 }, "full size"));
    const range = part ? { from: inPoint ?? first, to: outPoint ?? last } : {};
    replaceKeepingFocus(this.film, [choice, el("button", {
      type: "button", "data-key": "film", onclick: () => this.start({
        kind: "render", draft: Number(choice.value) > 0, ...range,
        ...(Number(choice.value) > 0 ? { height: Number(choice.value) } : {}),
      }),
    }, part ? "Render from in to out" : "Render the whole")]);
  }

  drawJobs() {
    const jobs = this.model.jobs.toReversed();
    const running = jobs.filter(({ state }) => ["waiting", "running"].includes(state)).length;
    this.side.setCount("files", running);
    replaceKeepingFocus(this.list, jobs.length ? jobs.map((job) => this.row(job))
      : [el("li", { class: "dim" }, "Nothing was exported from this page yet.")]);
  }

  /** @param {Job} job */
  row(job) {
    const { id, kind, label, state, stage, error, result } = job;
    const active = ["waiting", "running"].includes(state);
    return el("li", { class: `job ${state}` },
      el("div", { class: "row" },
        el("span", { class: "grow clip", title: label }, label),
        active ? progressOf(job)
          : el("span", { class: state === "failed" ? "warn" : "dim" }, state),
        active && el("button", { type: "button", "data-key": `cancel ${id}`,
          onclick: () => this.request("DELETE", `api/jobs/${id}`) }, "Cancel")),
      error && el("p", { class: "warn" }, error),
      kind === "send" && ["running", "done"].includes(state) && stage && el("p", { class: "dim" }, stage),
      result && el("div", { class: "row" },
        el("a", {
          href: result.media, download: result.name, class: "clip", "data-key": `link ${id}`,
          title: `Save a copy of ${result.name}`,
        }, result.name),
        ...this.openers(job)));
  }

  /** @param {Job} job */
  openers({ id, result }) {
    const { openers = [] } = this.model.state;
    const name = result?.name ?? "";
    const media = result?.media.split("/").pop();
    return openers.filter((/** @type {any} */ { suffixes }) =>
      !suffixes || suffixes.some((/** @type {string} */ suffix) => name.endsWith(suffix)))
      .map((/** @type {any} */ opener) => el("button", {
        type: "button", "data-key": `open ${id} ${opener.id}`,
        onclick: () => this.request("POST", "api/open", { media, with: opener.id }),
      }, opener.label));
  }

  /** @param {object} errand */
  async start(errand) {
    const { count } = this.model.saving;
    if (count) this.model.notify("Some edits are not saved yet: the file will lack them.");
    await this.request("POST", "api/jobs", errand);
  }

  /**
   * @param {"POST" | "DELETE"} method
   * @param {string} path
   * @param {object} [body]
   */
  async request(method, path, body) {
    try {
      await send(method, path, body);
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      this.model.notify(fault.message);
    }
  }
}
