/**
 * The one state of the page: the cut as the service has it, with the edits on their way applied.
 *
 * Events: state, shots, people, selection, view, preview, jobs, notice, saving, signed-out.
 */

import { getJson } from "./api.js";
import { afterOperation, anyway, indexAt } from "./operations.js";
import { saveSetting, setting } from "./settings.js";
import { Sync } from "./sync.js";

/** @typedef {import("./types.js").Shot} Shot */
/** @typedef {import("./types.js").Operation} Operation */

/** Shortest part of the timeline that can fill it, in frames: fewer show nothing more. */
const SHORTEST_VIEW = 12;

export class Model extends EventTarget {
  /** Answer of /api/state. @type {any} */
  state = { revision: "", status: "not analysed", shots: [], people: [] };
  /** The cut with all edits of this page. @type {Shot[]} */
  shots = [];
  /** @type {import("./types.js").Person[]} */
  people = [];
  marks = { pauses: [], turns: [], camera_cuts: [] };
  /** @type {import("./types.js").Job[]} */
  jobs = [];
  /** Index of the shot that keys and buttons act on. */
  selected = -1;
  /** The cut that a style would make; null where none is tried. @type {Shot[] | null} */
  preview = null;
  /** The visible part of the timeline, in frames. */
  view = { start: 0, end: 1 };
  /** The edge that is dragged now. @type {{frame: number, to: number} | null} */
  edge = null;
  /** Where the selection stands, so that it stays there when shots come and go. */
  anchor = 0;
  /** The doubtful shot that was visited last. @type {Shot | null} */
  visited = null;
  /**
   * Timecode of a frame; the page sets it once the clock is there.
   * @type {(frame: number) => string}
   */
  label = (frame) => `frame ${frame}`;

  /** @type {Sync | null} */
  sync = null;

  /** Load everything and start to listen. Throws `ApiError` if the first answer is none. */
  async load() {
    this.state = await getJson("api/state");
    if (this.state.status === "no source") return;
    this.sync = new Sync(this, this.state);
    await this.sync.queue.open();
    this.recompute();
    const rest = this.sync.start();
    // what to do without a cut depends on the jobs; a cut can be shown before the rest is there
    if (this.state.status !== "cut") await rest;
  }

  /** Show the part of the timeline that was visible last, and the first shot. */
  open() {
    const [start, end] = setting(`view.${location.pathname}`, this.range);
    this.setView(start, end);
    this.select(0);
  }

  /** Frames that the cut covers. @returns {[number, number]} */
  get range() {
    return this.state.range ?? [0, 1];
  }

  /** How many edits are on their way, why they wait, and whether the service is there. */
  get saving() {
    const { queue, connected = true, signedOut = false } = this.sync ?? {};
    const count = queue?.edits.length ?? 0;
    return { count, trouble: count ? queue?.trouble ?? "" : "", connected, signedOut };
  }

  /** @param {number} frame */
  shotAt(frame) {
    return indexAt(this.programmeShots(), frame);
  }

  programmeShots() {
    return this.preview ?? this.shots;
  }

  /** @returns {Shot | undefined} */
  get shot() {
    return this.programmeShots()[this.selected];
  }

  /**
   * Change the cut. What is drawn changes now; the promise says whether it was saved.
   * @param {Operation[]} operations
   * @param {Shot[]} [expected] the cut that these make, where it is known: a preview is applied
   * @returns {Promise<boolean>}
   */
  apply(operations, expected) {
    if (this.preview && !expected) {
      this.notify("This is the preview of a style. Apply or discard it before you change a shot.");
      return Promise.resolve(false);
    }
    const cut = this.cut(this.shots, this.people);
    const instead = operations.map((operation) => anyway(cut, operation));
    const ended = this.preview !== null;
    this.preview = null;
    const base = this.state.revision;
    const saved = this.enqueue({ kind: "edit", operations, instead, expected, base });
    if (ended) this.fire("preview");
    return saved;
  }

  /** Undo the last edit; one that waits to be saved is only taken back. */
  undo() {
    if (this.sync?.queue.isStuck) return this.takeBack(1);
    return this.enqueue({ kind: "undo", operations: [], instead: [], base: this.state.revision });
  }

  redo() {
    return this.enqueue({ kind: "redo", operations: [], instead: [], base: this.state.revision });
  }

  /**
   * Give up edits that wait to be saved, the last ones, and offer to do them again.
   * @param {number} [count] all of them by default
   */
  takeBack(count) {
    const edits = this.sync?.queue.takeBack(count) ?? [];
    this.recompute();
    const operations = edits.flatMap((edit) => edit.operations);
    const again = { label: "Do it again", run: () => void this.apply(operations) };
    const text = `${operations.length === 1 ? "An edit is" : `${operations.length} edits are`}`;
    if (operations.length) this.notify(`${text} taken back.`, [again]);
    return Promise.resolve(true);
  }

  /** @param {Omit<import("./edit_queue.js").Edit, "settle">} edit */
  enqueue(edit) {
    const saved = this.sync ? this.sync.queue.add(edit) : Promise.resolve(false);
    this.recompute();
    return saved;
  }

  /**
   * Select a shot. `anchor` is the frame that stays selected whatever happens to the shots.
   * @param {number} index
   * @param {number} [anchor]
   */
  select(index, anchor) {
    const shot = this.programmeShots()[index];
    if (!shot) return;
    this.anchor = anchor ?? shot.start;
    if (index === this.selected) return;
    this.selected = index;
    this.fire("selection");
  }

  /**
   * Show a part of the timeline, moved and widened so far that it lies in the range.
   * @param {number} start
   * @param {number} end
   */
  setView(start, end) {
    const [first, last] = this.range;
    const length = Math.min(Math.max(end - start, SHORTEST_VIEW), last - first);
    const from = Math.min(Math.max(start, first), last - length);
    this.view = { start: from, end: from + length };
    clearTimeout(this.viewTimer);
    const place = `view.${location.pathname}`;
    // half a second after the last move: storage is slow, and a wheel sends a hundred moves
    this.viewTimer = setTimeout(() => saveSetting(place, [this.view.start, this.view.end]), 500);
    this.fire("view");
  }

  /** @param {Shot[] | null} shots the cut of a style that is tried; null to go back */
  setPreview(shots) {
    this.preview = shots;
    this.reselect();
    this.fire("preview");
    this.fire("shots");
  }

  /** @param {number} id */
  colourOf(id) {
    const name = `--p${((id - 1) % 8) + 1}`;
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }

  /** @param {number} id */
  labelOf(id) {
    return this.people.find((person) => person.id === id)?.label ?? `Person ${id}`;
  }

  /** @param {number[]} subjects */
  describe(subjects) {
    return subjects.map((id) => this.labelOf(id)).join(" and ") || "Wide";
  }

  /**
   * Tell the editor something. With `actions` it stays until one is taken or it is closed.
   * @param {string} text
   * @param {{label: string, run: () => void}[]} [actions]
   */
  notify(text, actions = []) {
    this.fire("notice", { text, actions });
  }

  /**
   * Take facts that change no shot: jobs, the proxy, what can be undone.
   * @param {any} state
   */
  take(state) {
    this.state = state;
    this.fire("state");
  }

  /** Apply the edits on their way to what the service has, and tell everybody. */
  recompute() {
    this.state = this.sync?.confirmed ?? this.state;
    let cut = this.cut(this.state.shots, this.state.people);
    for (const edit of this.sync?.queue.edits ?? []) {
      if (edit.expected) cut = { ...cut, shots: edit.expected };
      for (const operation of edit.operations) cut = afterOperation(cut, operation);
    }
    this.shots = cut.shots;
    const samePeople = JSON.stringify(this.people) === JSON.stringify(cut.people);
    this.people = cut.people;
    this.reselect();
    this.fire("state");
    if (!samePeople) this.fire("people");
    this.fire("shots");
    this.fire("saving");
  }

  /** Select the shot that shows the anchor now. */
  reselect() {
    this.selected = Math.max(this.shotAt(this.anchor), 0);
    this.fire("selection");
  }

  /**
   * @param {Shot[]} shots
   * @param {import("./types.js").Person[]} people
   * @returns {import("./types.js").Cut}
   */
  cut(shots, people) {
    return { shots, people, size: this.state.source.size };
  }

  /**
   * @param {string} name
   * @param {any} [detail]
   */
  fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
