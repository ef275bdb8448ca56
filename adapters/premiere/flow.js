/**
 * What the panel does, step by step, without a document: connect, take a clip, cut, import, check.
 *
 * @typedef {import("./host.js").Host} Host
 * @typedef {import("./host.js").Clip} Clip
 * @typedef {import("./host_sequence.js").Place} Place
 * @typedef {import("./host_sequence.js").Motion} HostMotion
 * @typedef {import("./service.js").Service} Service
 * @typedef {import("./service.js").JobRow} JobRow
 * @typedef {import("./motion.js").Plan} Plan
 * @typedef {import("./motion.js").PlanClip} PlanClip
 * @typedef {import("./motion.js").Correction} Correction
 * @typedef {import("@adobe/premierepro").Project} Project
 * @typedef {import("@adobe/premierepro").Sequence} Sequence
 * @typedef {{message: string, notes: string[]}} Answer
 * @typedef {{clip: Clip, source: string, state: any, styles: string[]}} Recording
 * @typedef {{place: Place, wanted: PlanClip, motion: HostMotion, corrections: Correction[]}} Row
 */

const { HostError } = require("./host.js");
const { SequenceHost } = require("./host_sequence.js");
const { build } = require("./host_build.js");
const { corrections, placeFault, planFault, textOf, withoutAngles } = require("./motion.js");

/** Rounds of corrections: the second one removes a key that Premiere adds at the playhead. */
const MAX_ROUNDS = 3;
/** Shapes of the canvas that the service offers, with what the panel calls them. */
const CANVASES = [
  ["", "as last time"], ["source", "as the recording"], ["16:9", "16:9"], ["1:1", "1:1"],
  ["4:5", "4:5"], ["9:16", "9:16"],
];

class Flow {
  /**
   * @param {Host} host
   * @param {Service} service
   * @param {(stage: string, done: number, total: number) => void} onProgress
   */
  constructor(host, service, onProgress) {
    this.host = host;
    this.service = service;
    this.onProgress = onProgress;
    this.isCancelled = false;
    /** What happened, for a report; no paths and no key. @type {string[]} */
    this.log = [];
  }

  /** @param {string} line */
  note(line) {
    this.log.push(line);
  }

  /** Find the service. */
  async connect() {
    await this.service.connect();
    this.note("connected");
  }

  /** Hand the selected clip to the service. @returns {Promise<Recording>} */
  async takeClip() {
    const clip = await this.host.selectedClip();
    const { source } = await this.service.open(clip.path);
    const state = await this.service.of(source, "state");
    const { presets } = await this.service.of(source, "style");
    this.note(`clip of ${state.source.size.join("x")} at ${state.source.rate.join("/")} taken`);
    return { clip, source, state, styles: Object.keys(presets) };
  }

  /** Open the page of a recording in the browser. @param {Recording} recording */
  async openPage(recording) {
    const { launch } = await this.service.open(recording.clip.path);
    await this.host.openPage(this.service.address(launch));
  }

  /**
   * Cut a recording, import the cut, and check every shot.
   * @param {Recording} recording
   * @param {{style: string, canvas: string}} options empty for what was used last
   * @returns {Promise<Answer>}
   */
  async cutAndImport(recording, options) {
    this.isCancelled = false;
    await this.run(recording, { kind: "analyse", ...options });
    const job = await this.run(recording, { kind: "export", editor: "premiere", suffix: ".xml" });
    const answer = await this.service.of(recording.source, `premiere/${job.id}`);
    const fault = planFault(answer.plan);
    if (fault) throw new HostError(fault);
    if (!answer.file.endsWith(".xml")) throw new HostError("the service names no timeline");
    return this.deliver(recording.clip, answer.file, answer.plan);
  }

  /** @param {Recording} recording @param {object} task */
  async run(recording, task) {
    const onRow = (/** @type {JobRow} */ row) => {
      this.onProgress(row.stage || row.label, row.done, row.total);
    };
    return this.service.run(recording.source, task, onRow, () => this.isCancelled);
  }

  /**
   * Import a timeline, or build what it contains; then check it.
   * @param {Clip} clip
   * @param {string} file
   * @param {Plan} plan
   * @returns {Promise<Answer>}
   */
  async deliver(clip, file, plan) {
    this.onProgress("import into Premiere", 0, 0);
    const project = await this.host.project();
    const host = new SequenceHost(this.host.premiere, project);
    const { sequence, fault } = await this.imported(host, file, plan);
    const twoUps = plan.two_ups || 0;
    const notes = twoUps ? [`look at the seam of the ${twoUps} two-ups: their crop cannot be checked`] : [];
    if (sequence) return this.check(host, sequence, plan, notes);
    this.note(`import: ${fault}`);
    if (twoUps) {
      throw new HostError(`${fault}, and only that file has two-ups; import it by File > Import`);
    }
    this.onProgress("build the sequence", 0, 0);
    const own = withoutAngles(plan);
    const fresh = await build(host, clip, own);
    const angles = plan.tracks.flat().length - own.tracks[0].length;
    notes.push(`the sequence is built directly, because ${fault}`);
    if (angles) notes.push(`${angles} clips of other angles are left out`);
    return this.check(host, fresh, own, notes);
  }

  /**
   * Import a timeline; return the sequence that has the plan's clips.
   * @param {SequenceHost} host @param {string} file @param {Plan} plan
   * @returns {Promise<{sequence: Sequence | null, fault: string}>}
   */
  async imported(host, file, plan) {
    const sequences = await this.host.importFile(host.project, file);
    this.note(`import made ${sequences.length} sequences`);
    let fault = "the import made no sequence";
    for (const sequence of sequences) {
      fault = await this.sequenceFault(host, sequence, plan);
      if (!fault) return { sequence, fault };
      this.note(`sequence: ${fault}`);
    }
    if (sequences.length) {
      throw new HostError(`the imported sequence differs: ${fault}. Delete it if you do not want it`);
    }
    return { sequence: null, fault };
  }

  /** @param {SequenceHost} host @param {Sequence} sequence @param {Plan} plan */
  async sequenceFault(host, sequence, plan) {
    const { size, hasRate } = await host.format(sequence, plan.ticks_per_frame);
    if (size.join() !== plan.canvas.join()) {
      return `its frame is ${size.join(" x ")} instead of ${plan.canvas.join(" x ")}`;
    }
    if (!hasRate) return "it has another frame rate";
    return placeFault(plan, await host.places(sequence));
  }

  /**
   * Compare the Motion of every clip with the plan, and correct what differs.
   * @param {SequenceHost} host @param {Sequence} sequence @param {Plan} plan
   * @param {string[]} notes
   * @returns {Promise<Answer>}
   */
  async check(host, sequence, plan, notes) {
    const pairs = (await host.places(sequence)).flatMap((places, n) => (
      places.map((place, i) => ({ place, wanted: plan.tracks[n][i] }))));
    if (pairs.length && (await host.isOffline(pairs[0].place.item))) {
      notes.push("the recording is offline in the sequence: right-click it, Link Media");
    }
    if (pairs.length) await this.noteFirst(host, plan, pairs[0]);
    const disabled = pairs.filter(({ place, wanted }) => place.disabled === wanted.enabled);
    if (disabled.length) {
      host.setDisabled(disabled.map(({ place, wanted }) => (
        { item: place.item, disabled: !wanted.enabled })));
      notes.push(`${disabled.length} clips were enabled or disabled as planned`);
    }
    let wrong = await this.differing(host, plan, pairs);
    const corrected = new Set(wrong.map((row) => row.wanted));
    for (let round = 1; wrong.length && round <= MAX_ROUNDS; round += 1) {
      host.correct(wrong);
      wrong = await this.differing(host, plan, wrong);
    }
    for (const row of wrong) corrected.delete(row.wanted);
    await this.host.show(host.project, sequence);
    return this.answer(pairs.length, corrected.size, wrong, notes);
  }

  /**
   * Note what the first clip reads, right or wrong: it shows the host's units in a report.
   * @param {SequenceHost} host @param {Plan} plan @param {{place: Place, wanted: PlanClip}} pair
   */
  async noteFirst(host, plan, { place, wanted }) {
    const { reading } = await host.motion(place);
    const texts = Object.entries(reading).map(([name, { varies, value, keys }]) => (
      `${name} ${varies ? `${keys.length} keys` : textOf(value)}`));
    const inPoint = textOf(place.inPoint / plan.ticks_per_frame);
    this.note(`${describe(wanted)} reads in point ${inPoint}, ${texts.join(", ")}`);
  }

  /**
   * Return the clips whose Motion differs from the plan.
   * @param {SequenceHost} host @param {Plan} plan
   * @param {{place: Place, wanted: PlanClip}[]} pairs
   * @returns {Promise<Row[]>}
   */
  async differing(host, plan, pairs) {
    /** @type {Row[]} */
    const rows = [];
    for (const [n, { place, wanted }] of pairs.entries()) {
      if (this.isCancelled) throw new HostError("cancelled: the sequence is not checked to the end");
      const motion = await host.motion(place);
      const row = { place, wanted, motion, corrections: corrections(plan, wanted, motion.reading) };
      if (row.corrections.length) rows.push(row);
      for (const { text } of row.corrections) this.note(`${describe(wanted)}: ${text}`);
      this.onProgress("check the shots", n + 1, pairs.length);
    }
    return rows;
  }

  /** @param {number} number @param {number} corrected @param {Row[]} wrong @param {string[]} notes */
  answer(number, corrected, wrong, notes) {
    const message = `${number} shots checked, ${corrected} corrected`;
    if (wrong.length) {
      notes.push(`${wrong.length} shots still differ; compare them with the page: ` +
        wrong.slice(0, 3).map((row) => describe(row.wanted)).join(", "));
    }
    this.note([message, ...notes].join("; "));
    return { message, notes };
  }

  /** Import a timeline that the user chooses, without the service. @returns {Promise<Answer>} */
  async importByHand() {
    const file = await this.host.chooseTimeline();
    if (!file) return { message: "nothing was chosen", notes: [] };
    const project = await this.host.project();
    const sequences = await this.host.importFile(project, file);
    if (!sequences.length) {
      throw new HostError("Premiere made no sequence of the file; import it by File > Import");
    }
    await this.host.show(project, sequences[0]);
    return { message: "imported", notes: ["nothing was checked: that needs speakerzoom serve"] };
  }

  /** Return the text of a report. */
  report() {
    return ["SpeakerZoom panel", this.host.versions(), ...this.log, ""].join("\n");
  }
}

/** @param {PlanClip} clip */
function describe(clip) {
  return clip.number ? `shot ${clip.number}` : `other angle at frame ${clip.start}`;
}

module.exports = { CANVASES, Flow };
