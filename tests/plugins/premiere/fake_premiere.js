/**
 * A Premiere that has one project, and traps that can be switched on. It imports our own xmeml.
 *
 * Traps: import ("none", "late", "two", "two late", "moved", "slipped",
 * "silent"), motion ("default", "rounded",
 * "no keys", "unlinked"), keys ("bezier"), values ("ignored", "arrays"), place ("reads early",
 * "longer"), angles ("enabled"), size ("refused"), timecode (frames), timeBase and
 * frameTicks (what the sequence says of its rate), offline, refuses (a label).
 * Always on: actions outside lockedAccess or outside a transaction throw, and enabling keys adds
 * one at the playhead.
 */

const fs = require("fs");

const LINEAR = 0;
const BEZIER = 5;

class TickTime {
  constructor(ticks = 0n) {
    this.exact = BigInt(ticks);
  }

  get ticks() { return String(this.exact); }

  get ticksNumber() { return Number(this.exact); }

  add(other) { return new TickTime(this.exact + other.exact); }

  subtract(other) { return new TickTime(this.exact - other.exact); }

  static createWithTicks(text) {
    if (!/^-?\d+$/.test(text)) throw new Error(`not ticks: ${text}`);
    return new TickTime(text);
  }
}
TickTime.TIME_ZERO = new TickTime();

class PointF {
  constructor(x, y) {
    this.x = x;
    this.y = y;
  }
}

class RectF {}

class Parameter {
  constructor(project, value) {
    this.project = project;
    this.value = value;
    this.varies = false;
    this.keys = new Map();
  }

  needsLock() {
    if (!this.project.locks) throw new Error("a parameter was read without lockedAccess");
  }

  isTimeVarying() { this.needsLock(); return this.varies; }

  getKeyframeListAsTickTimes() {
    this.needsLock();
    return this.sorted().map(([ticks]) => new TickTime(ticks));
  }

  sorted() {
    return [...this.keys.entries()].sort((a, b) => (a[0] < b[0] ? -1 : 1));
  }

  async getStartValue() { return this.createKeyframe(this.value); }

  async getValueAtTime(time) {
    const key = this.keys.get(time.exact);
    return this.answer(key.value);
  }

  answer(value) {
    return value instanceof PointF && this.project.traps.values === "arrays"
      ? { value: [value.x, value.y] } : value;
  }

  getKeyframePtr(time) {
    const key = this.keys.get(time.exact);
    return { value: { value: key.value }, getTemporalInterpolationMode: async () => key.mode };
  }

  createKeyframe(value) {
    const isPoint = this.value instanceof PointF;
    if (isPoint && !(value instanceof PointF)) throw new Error("Illegal Parameter type");
    if (!isPoint && typeof value !== typeof this.value) throw new Error("Illegal Parameter type");
    return { value: { value: this.answer(value) }, raw: value, position: TickTime.TIME_ZERO };
  }

  createSetValueAction(key) {
    return this.project.action(() => {
      if (this.project.traps.values !== "ignored") this.value = key.raw;
    });
  }

  createSetTimeVaryingAction(varies) {
    return this.project.action(() => {
      this.varies = varies;
      this.keys.clear();
      if (varies) this.put(this.project.playhead, this.value);
    });
  }

  createAddKeyframeAction(key) {
    return this.project.action(() => this.put(key.position.exact, key.raw));
  }

  put(ticks, value) {
    const mode = this.project.traps.keys === "bezier" ? BEZIER : LINEAR;
    this.keys.set(ticks, { value, mode });
  }

  createRemoveKeyframeAction(time) {
    return this.project.action(() => {
      if (!this.keys.delete(time.exact)) throw new Error("there is no key");
    });
  }

  createSetInterpolationAtKeyframeAction(time, mode) {
    return this.project.action(() => { this.keys.get(time.exact).mode = mode; });
  }
}

class Item {
  constructor(project, media, start, end, inPoint) {
    Object.assign(this, { project, media, start, end, inPoint, disabled: false });
    const parameters = [new PointF(0.5, 0.5), 100, 100, true, 0, new PointF(0.5, 0.5)];
    this.motion = parameters.map((value) => new Parameter(project, value));
    const component = (name, list) => (
      { getMatchName: async () => name, getParam: (n) => { project.needsLock(); return list[n]; } });
    this.components = [component("AE.ADBE Opacity", []), component("AE.ADBE Motion", this.motion)];
  }

  async getProjectItem() { return this.media; }

  async getStartTime() { return new TickTime(this.start); }

  async getEndTime() { return new TickTime(this.end); }

  async getInPoint() { return new TickTime(this.inPoint); }

  async isDisabled() { return this.disabled; }

  createSetDisabledAction(disabled) {
    return this.project.action(() => { this.disabled = disabled; });
  }

  async getComponentChain() {
    return {
      getComponentCount: () => { this.project.needsLock(); return this.components.length; },
      getComponentAtIndex: (n) => { this.project.needsLock(); return this.components[n]; },
    };
  }
}

class Media {
  constructor(project, name, path, frames) {
    Object.assign(this, { project, name, path });
    this.begin = project.frames(project.traps.timecode || 0);
    this.end = this.begin + project.frames(frames);
    [this.in, this.out] = [this.begin, this.end];
    this.kind = "clip";
  }

  async isSequence() { return this.kind === "sequence"; }

  async isMulticamClip() { return this.kind === "multicam"; }

  async isMergedClip() { return this.kind === "merged"; }

  async isOffline() { return Boolean(this.offline); }

  async getMediaFilePath() { return this.path; }

  async getInPoint() { return new TickTime(this.in); }

  async getOutPoint() { return new TickTime(this.out); }

  createSetInOutPointsAction(begin, end) {
    return this.project.action(() => { [this.in, this.out] = [begin.exact, end.exact]; });
  }

  createClearInOutPointsAction() {
    return this.project.action(() => { [this.in, this.out] = [this.begin, this.end]; });
  }
}

class Sequence {
  constructor(project, name, size) {
    Object.assign(this, { project, name, size, tracks: [[]], audio: [[]], markers: [] });
    project.counter += 1;
    const id = `guid-${project.counter}`;
    this.guid = { toString: () => id };
  }

  async getFrameSize() { return { width: this.size[0], height: this.size[1] }; }

  async getTimebase() {
    return this.project.traps.timeBase || String(this.project.ticksPerFrame);
  }

  async getVideoTrackCount() { return this.tracks.length + 1; } // hosts have an empty one on top

  async getAudioTrackCount() { return this.audio.length; }

  async getVideoTrack(n) { return { getTrackItems: () => [...(this.tracks[n] || [])].reverse() }; }

  async getAudioTrack(n) { return { getTrackItems: () => [...this.audio[n]] }; }

  async getSelection() { return { getTrackItems: async () => this.selected || [] }; }

  async getPlayerPosition() { return new TickTime(this.project.playhead); }

  async getSettings() {
    const { frameTicks } = this.project.traps;
    return {
      getVideoFrameRate: () => (
        { ticksPerFrame: frameTicks || Number(this.project.ticksPerFrame) }),
      setVideoFrameRect: async (rect) => { this.wanted = [rect.width, rect.height]; },
    };
  }

  createSetSettingsAction() {
    return this.project.action(() => {
      if (this.project.traps.size !== "refused") this.size = this.wanted;
    });
  }

  overwrite(media, at, begin, end) {
    const { traps } = this.project;
    const late = traps.place === "longer" ? this.project.frames(1) : 0n;
    const [start, stop] = [at, at + end - begin + late];
    for (const list of [this.tracks[0], this.audio[0]]) {
      for (const item of list) {
        if (item.start < start && item.end > start) item.end = start;
      }
      const keep = list.filter((item) => item.end <= start || item.start >= stop);
      list.splice(0, list.length, ...keep, new Item(this.project, media, start, stop, begin));
    }
  }
}

class Project {
  constructor(plan, traps) {
    Object.assign(this, { plan, traps, sequences: [], labels: [], counter: 0, locks: 0 });
    this.ticksPerFrame = BigInt(plan.ticks_per_frame);
    this.playhead = this.frames(7);
    this.deleted = [];
    this.recording = null;
  }

  frames(n) { return BigInt(n) * this.ticksPerFrame; }

  needsLock() {
    if (!this.locks) throw new Error("the project was read without lockedAccess");
  }

  action(run) {
    if (!this.locks) throw new Error("an action was created outside lockedAccess");
    return { run };
  }

  lockedAccess(callback) {
    if (this.locks) throw new Error("lockedAccess inside lockedAccess");
    this.locks += 1;
    try {
      if (callback() instanceof Promise) throw new Error("lockedAccess does not wait");
    } finally {
      this.locks -= 1;
    }
  }

  executeTransaction(callback, label) {
    this.needsLock();
    if (this.traps.refuses && label.includes(this.traps.refuses)) return false;
    const actions = [];
    callback({ addAction: (action) => actions.push(action) });
    actions.forEach((action) => action.run());
    this.labels.push(label);
    return true;
  }

  async getSequences() {
    if (this.late && (this.late.polls -= 1) <= 0) {
      this.sequences.push(this.late.sequence);
      this.late = null;
    }
    return [...this.sequences];
  }

  async getActiveSequence() { return this.active || null; }

  async getInsertionBin() { return { name: "root" }; }

  async openSequence(sequence) { this.opened = sequence.name; return true; }

  async deleteSequence(sequence) {
    this.sequences = this.sequences.filter((own) => own !== sequence);
    this.deleted.push(sequence.name);
    return true;
  }

  async importFiles([path], suppressUI) {
    if (!suppressUI) throw new Error("a dialog would wait");
    const { import: trap } = this.traps;
    if (trap === "none") return true;
    const sequence = importXml(this, fs.readFileSync(path, "utf8"));
    if (trap === "two") this.sequences.push(new Sequence(this, "other", [720, 480]));
    if (trap === "late") this.late = { polls: 4, sequence };
    else if (trap === "two late") {
      this.sequences.push(new Sequence(this, "other", [720, 480]));
      this.late = { polls: 2, sequence };
    }
    else this.sequences.push(sequence);
    return trap === "silent" ? undefined : true;
  }

  async createSequenceFromMedia(name, [media]) {
    const sequence = new Sequence(this, name, [...this.plan.size]);
    sequence.overwrite(media, 0n, media.in, media.out);
    this.sequences.push(sequence);
    return sequence;
  }
}

const number = (text, tag) => Number(new RegExp(`<${tag}>(-?[\\d.]+)<`).exec(text)[1]);
const blocks = (text, tag) => text.match(new RegExp(`<${tag}[ >][\\s\\S]*?</${tag}>`, "g")) || [];

/** Read an xmeml of ours as Premiere does, with the traps. */
function importXml(project, text) {
  const { traps, plan } = project;
  const video = /<video>[\s\S]*?<\/video>\s*<audio>/.exec(text)
    ? text.slice(text.indexOf("<sequence"), text.lastIndexOf("<audio>")) : text;
  const media = new Media(project, plan.name, "/film/talk.mp4", plan.duration);
  media.offline = traps.offline;
  const canvas = [number(text, "width"), number(text, "height")]; // the sequence's come first
  const file = text.slice(text.indexOf("<file "));
  const [sw, sh] = [number(file, "width"), number(file, "height")];
  const sequence = new Sequence(project, plan.name, canvas);
  sequence.tracks = blocks(video, "track").filter((track) => track.includes("Basic Motion"))
    .map((track) => blocks(track, "clipitem").map((clip) => {
      const moved = traps.import === "moved" ? 1 : 0;
      const slipped = traps.import === "slipped" && number(clip, "start") ? 1 : 0;
      const begin = project.frames(number(clip, "in") + slipped) + media.begin;
      const item = new Item(project, media, project.frames(number(clip, "start") + moved),
        project.frames(number(clip, "end")), begin);
      const off = clip.includes("<enabled>FALSE</enabled>");
      item.disabled = off && traps.angles !== "enabled";
      const own = (id) => blocks(clip, "parameter").find((p) => p.includes(`>${id}<`));
      const point = (row) => new PointF(
        0.5 + (number(row, "horiz") * sw) / canvas[0],
        0.5 + (number(row, "vert") * sh) / canvas[1]);
      const scaleOf = (row) => {
        const value = number(row, "value");
        return traps.motion === "rounded" ? Math.round(value * 10) / 10 : value;
      };
      if (traps.motion === "default") return item;
      const [position, scale, , uniform, rotation] = item.motion;
      rotation.value = number(own("rotation"), "value");
      uniform.value = traps.motion !== "unlinked";
      for (const [parameter, row, read] of
        [[position, own("center"), point], [scale, own("scale"), scaleOf]]) {
        const keys = blocks(row, "keyframe");
        parameter.value = read(row);
        if (!keys.length || traps.motion === "no keys") continue;
        parameter.varies = true;
        for (const key of keys) {
          parameter.put(project.frames(number(key, "when")) + media.begin, read(key));
        }
      }
      return item;
    }));
  return sequence;
}

/** Return a fake of the module `premierepro` around a project. */
function fakePremiere(project) {
  return {
    TickTime, PointF, RectF,
    Constants: { TrackItemType: { CLIP: 1 }, MediaType: { ANY: 0, VIDEO: 2 } },
    Keyframe: { INTERPOLATION_MODE_LINEAR: LINEAR },
    Project: { getActiveProject: async () => (project.traps.project === "none" ? null : project) },
    ProjectItem: { cast: (item) => item },
    ProjectUtils: { getSelection: async () => {
      if (!project.selected) throw new Error("no project panel is open");
      return { getItems: async () => project.selected };
    } },
    ClipProjectItem: {
      cast: (item) => {
        if (!(item instanceof Media)) throw new Error("not a clip");
        return item;
      },
    },
    TrackItemSelection: {
      createEmptySelection: (callback) => {
        const items = new Set();
        callback({ items, addItem: (item) => items.add(item) });
        return true;
      },
    },
    Marker: { MARKER_TYPE_COMMENT: "Comment" },
    Markers: {
      getMarkers: async (sequence) => ({
        createAddMarkerAction: (name, type, time, duration, comments) => project.action(() => {
          if (type !== "Comment") throw new Error("no such marker");
          sequence.markers.push([name, String(time.exact / project.ticksPerFrame), comments]);
        }),
      }),
    },
    SequenceEditor: {
      getEditor: (sequence) => ({
        createOverwriteItemAction: (media, time) => {
          const early = [media.in, media.out];
          return project.action(() => {
            const late = [media.in, media.out];
            const [begin, end] = project.traps.place === "reads early" ? early : late;
            sequence.overwrite(media, time.exact, begin, end);
          });
        },
        createRemoveItemsAction: ({ items }) => project.action(() => {
          for (const list of [...sequence.tracks, ...sequence.audio]) {
            list.splice(0, list.length, ...list.filter((item) => !items.has(item)));
          }
        }),
      }),
    },
  };
}

module.exports = { Item, Media, Project, Sequence, fakePremiere };
