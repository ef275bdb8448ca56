/**
 * Edits on their way to the service: one at a time, in order, none lost.
 *
 * An edit leaves the queue when the service has it, or has refused it for good. If the service
 * does not answer, or its disk is full, the edit waits here, also when the page is closed.
 */

import { ApiError, send } from "./api.js";
import { isDone } from "./operations.js";
import { UnsavedEdits } from "./unsaved.js";

/** @typedef {import("./types.js").Operation} Operation */
/** @typedef {import("./types.js").Shot} Shot */

/**
 * @typedef {object} Edit
 * @property {"edit" | "undo" | "redo"} kind
 * @property {Operation[]} operations
 * @property {Operation[][]} instead what each operation comes to where its shot is no more
 * @property {Shot[]} [expected] the cut that it makes, where the page knows
 * @property {string} base revision of the cut that the hand worked on
 * @property {((saved: boolean) => void)} [settle]
 */

/** First and longest pause between two tries, in ms: soon at first, calm over a long break. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 15000;

/** What happened to the edits is said in events, which the model turns into state and notices. */
export class EditQueue extends EventTarget {
  /** @param {string} source the page's path, which differs for each source */
  constructor(source) {
    super();
    this.unsaved = new UnsavedEdits(source);
    /** @type {Edit[]} */
    this.edits = [];
    this.busy = false;
    /** Why the first edit waits; empty if nothing waits. */
    this.trouble = "";
    this.pause = FIRST_PAUSE;
    this.timer = 0;
    window.addEventListener("online", () => this.retry());
  }

  /** Take over the edits that earlier pages could not save. */
  async open() {
    this.edits = await this.unsaved.open();
  }

  /**
   * @param {Omit<Edit, "settle">} edit
   * @returns {Promise<boolean>} whether it was saved
   */
  add(edit) {
    return new Promise((settle) => {
      this.edits.push({ ...edit, settle });
      this.store();
      this.run();
    });
  }

  /** Try again now. */
  retry() {
    clearTimeout(this.timer);
    this.run();
  }

  /** How many edits wait that are not on their way now. */
  get waiting() {
    return this.edits.length - (this.busy ? 1 : 0);
  }

  /** Whether edits wait because they could not be saved. */
  get isStuck() {
    return this.trouble !== "" && this.waiting > 0;
  }

  /**
   * Give up edits that wait, the last ones, and return them.
   * @param {number} [count] all of them by default
   */
  takeBack(count = this.waiting) {
    const edits = this.edits.splice(this.edits.length - Math.min(count, this.waiting));
    edits.forEach((edit) => edit.settle?.(false));
    if (!this.edits.length) this.trouble = "";
    this.store();
    return edits;
  }

  async run() {
    if (this.busy) return;
    this.busy = true;
    this.fire("change");
    while (this.edits.length) {
      const edit = this.edits[0];
      const answer = await sendEdit(edit).catch((fault) => fault);
      if (answer instanceof Error) {
        if (!this.refused(edit, answer)) break;
        continue;
      }
      this.leave(edit, true);
      this.rebase(edit.base, answer.revision);
      this.trouble = "";
      this.pause = FIRST_PAUSE;
      this.fire("saved", { answer, base: edit.base });
    }
    this.busy = false;
    this.fire("change");
    if (!this.edits.length) this.fire("empty");
  }

  /**
   * Deal with an error; return whether to go on with the queue.
   * @param {Edit} edit
   * @param {Error} fault
   */
  refused(edit, fault) {
    const { status, body } = fault instanceof ApiError ? fault : { status: 0, body: null };
    if (status === 412 && body?.state) {
      this.merge(edit, body);
      return true;
    }
    const lasting = status >= 400 && status < 500 && ![401, 408, 429].includes(status);
    if (lasting) {
      this.leave(edit, false);
      this.fire("refused", { message: fault.message });
      return true;
    }
    this.trouble = fault.message;
    if (status === 401) this.fire("signed-out");
    this.timer = window.setTimeout(() => this.run(), this.pause);
    this.pause = Math.min(2 * this.pause, LONGEST_PAUSE);
    return false;
  }

  /**
   * The cut has changed under an edit: send again what still applies, report the rest.
   * @param {Edit} edit
   * @param {{state: any, applies?: boolean[]}} answer
   */
  merge(edit, { state, applies = [] }) {
    if (edit.kind !== "edit") {
      this.leave(edit, false);
      this.fire("conflict", { state, lost: [] });
      this.fire("stale-undo", { kind: edit.kind });
      return;
    }
    const cut = { shots: state.shots, people: state.people, size: state.source.size };
    const open = edit.operations.map((operation, n) => ({
      operation, instead: edit.instead[n], applies: applies[n] ?? false,
      done: isDone(cut, operation),
    })).filter(({ done }) => !done);
    const again = open.filter((one) => one.applies);
    const lost = open.filter((one) => !one.applies);
    if (again.length) {
      edit.operations = again.map(({ operation }) => operation);
      edit.instead = again.map(({ instead }) => instead);
      edit.base = state.revision;
      delete edit.expected; // it stood on the cut before
      this.store();
    } else this.leave(edit, !lost.length);
    this.fire("conflict", { state, lost });
  }

  /**
   * @param {Edit} edit
   * @param {boolean} saved
   */
  leave(edit, saved) {
    this.edits.splice(this.edits.indexOf(edit), 1);
    this.store();
    edit.settle?.(saved);
  }

  /**
   * Edits that followed one that is saved now stand on the revision that it made.
   * @param {string} before
   * @param {string} after
   */
  rebase(before, after) {
    for (const edit of this.edits) if (edit.base === before) edit.base = after;
    this.store();
  }

  store() {
    this.unsaved.save(this.edits.map(({ settle, expected, ...edit }) => edit));
  }

  /**
   * @param {string} name
   * @param {any} [detail]
   */
  fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** @param {Edit} edit */
function sendEdit({ kind, operations, base }) {
  if (kind === "edit") return send("PATCH", "api/cut", { operations }, { revision: base });
  return send("POST", `api/${kind}`, {}, { revision: base });
}
