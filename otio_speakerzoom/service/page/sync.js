/** Keeps the model and the service together: answers, conflicts, events, lost connections. */

import { ApiError, getJson, listen } from "./api.js";
import { EditQueue } from "./edit_queue.js";
import { inWords } from "./operations.js";

/** Time between two tries while the page is signed out, in ms. */
const SIGN_IN_PAUSE = 3000;

export class Sync {
  /**
   * @param {import("./model.js").Model} model
   * @param {any} state first answer of api/state
   */
  constructor(model, state) {
    this.model = model;
    /** The cut as the service has it. */
    this.confirmed = state;
    this.connected = true;
    this.signedOut = false;
    /** Whether the service has changed more than its answers told. */
    this.stale = false;
    /** Answers to changes so far: a state that was asked for before the last one is too old. */
    this.answers = 0;
    this.queue = new EditQueue(location.pathname);
    this.listenToQueue();
  }

  /** Load what the state leaves out, listen to the service, and send what an earlier page left. */
  async start() {
    await Promise.all([this.loadMarks(), this.loadJobs()]);
    listen({
      visible: () => this.loadJobs(),
      state: ({ revision }) => revision !== this.confirmed.revision && this.refresh(),
      job: (job) => this.setJob(job),
      connected: (yes) => this.setConnected(yes),
    });
    window.addEventListener("focus", () => this.refresh());
    if (this.queue.edits.length) this.queue.run();
  }

  /** Take the service's state, unless edits are on their way: their answers bring it. */
  async refresh() {
    this.stale = this.queue.busy;
    if (this.stale) return;
    const { answers } = this;
    let state;
    try {
      state = await getJson("api/state");
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      if (fault.status === 401) this.signOut();
      return;
    }
    this.stale = this.queue.busy;
    if (this.stale) return;
    if (answers === this.answers) this.take(state);
    else await this.refresh();
  }

  /** @param {any} state */
  take(state) {
    const before = this.confirmed;
    this.confirmed = state;
    if (this.signedOut) {
      this.signedOut = false;
      this.model.fire("signed-out");
      this.queue.retry();
    }
    if (before.revision !== state.revision) this.loadMarks();
    const changed = before.revision !== state.revision || before.status !== state.status;
    if (changed) this.model.recompute();
    else this.model.take(state);
  }

  /**
   * @param {any} answer of a change
   * @param {string} base revision that its window counts from
   */
  accept(answer, base) {
    this.answers += 1;
    if (base !== this.confirmed.revision) {
      this.stale = true;
      return;
    }
    const { window: part, ...rest } = answer;
    const shots = this.confirmed.shots.toSpliced(part.index, part.removed, ...part.shots);
    const restyled = JSON.stringify(rest.style) !== JSON.stringify(this.confirmed.style);
    this.confirmed = { ...this.confirmed, ...rest, shots };
    this.model.recompute();
    if (restyled) this.loadMarks();
  }

  async loadMarks() {
    if (this.confirmed.status !== "cut") return;
    try {
      this.model.marks = await getJson("api/marks");
      this.model.fire("marks");
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
    }
  }

  async loadJobs() {
    try {
      this.model.jobs = (await getJson("api/jobs")).jobs;
      this.model.fire("jobs");
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
    }
  }

  /** @param {import("./types.js").Job} job */
  setJob(job) {
    const { jobs } = this.model;
    const index = jobs.findIndex(({ id }) => id === job.id);
    const before = jobs[index]?.state;
    this.model.jobs = index < 0 ? [...jobs, job] : jobs.with(index, job);
    this.model.fire("jobs");
    if (before !== job.state && job.state === "done") this.refresh();
  }

  /** @param {boolean} yes */
  setConnected(yes) {
    const again = yes && !this.connected;
    const lost = this.connected && !yes;
    this.connected = yes;
    if (again || lost) this.model.fire("saving");
    if (lost) this.refresh();
    if (!again) return;
    this.refresh();
    this.queue.retry();
    this.loadJobs();
  }

  /** The service does not know us any more: say so, and look whether somebody signed in again. */
  signOut() {
    if (this.signedOut) return;
    this.signedOut = true;
    this.model.fire("signed-out");
    const again = async () => {
      await this.refresh();
      if (this.signedOut) setTimeout(again, SIGN_IN_PAUSE);
    };
    setTimeout(again, SIGN_IN_PAUSE);
  }

  listenToQueue() {
    const { queue, model } = this;
    /** @param {string} name @param {(detail: any) => void} action */
    const on = (name, action) =>
      queue.addEventListener(name, (event) => action(/** @type {CustomEvent} */ (event).detail));
    on("change", () => model.fire("saving"));
    on("saved", ({ answer, base }) => this.accept(answer, base));
    on("conflict", ({ state, lost }) => {
      this.answers += 1;
      this.take(state);
      for (const one of lost) this.offerAnyway(one);
    });
    on("refused", ({ message }) => {
      model.recompute();
      model.notify(message);
    });
    on("signed-out", () => this.signOut());
    on("empty", () => this.stale && this.refresh());
    on("stale-undo", ({ kind }) => {
      const what = this.confirmed[kind];
      model.notify(`The cut has changed elsewhere. ${what ? `To ${kind} now: ${what}` : ""}`);
    });
  }

  /** @param {{operation: import("./types.js").Operation, instead: any[]}} lost */
  offerAnyway({ operation, instead }) {
    const { model } = this;
    const text = inWords(operation, (subjects) => model.describe(subjects), model.label);
    const run = () => void model.apply(instead);
    model.notify(`Not applied, since the cut has changed here: ${text}`,
      instead.length ? [{ label: "Apply anyway", run }] : []);
  }
}
