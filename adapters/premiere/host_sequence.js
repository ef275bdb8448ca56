/**
 * What the panel reads and writes inside a sequence: places of clips, and their Motion.
 *
 * Every action is created inside `lockedAccess`, as Premiere demands from 26.3 on, and all actions
 * of one change are one transaction, so one step to undo: see `transact`.
 *
 * @typedef {import("@adobe/premierepro").premierepro} Premiere
 * @typedef {import("@adobe/premierepro").Project} Project
 * @typedef {import("@adobe/premierepro").Sequence} Sequence
 * @typedef {import("@adobe/premierepro").Action} Action
 * @typedef {import("@adobe/premierepro").TickTime} TickTime
 * @typedef {import("@adobe/premierepro").Component} Component
 * @typedef {import("@adobe/premierepro").ComponentParam} Parameter
 * @typedef {import("@adobe/premierepro").VideoClipTrackItem} Item
 * @typedef {import("./motion.js").Correction} Correction
 * @typedef {import("./motion.js").Curve} Curve
 * @typedef {import("./motion.js").Reading} Reading
 * @typedef {"position" | "scale" | "uniform" | "rotation"} Name
 * @typedef {{item: Item, start: number, end: number, inPoint: number, inTime: TickTime,
 *   disabled: boolean}} Place
 * @typedef {{reading: Reading, parameters: Record<Name, Parameter>}} Motion
 */

const { HostError } = require("./host.js");

/** Motion's match name now, and in older projects. */
const MOTION = ["AE.ADBE Motion", "ADBE Motion"];
/** Indices of its parameters: their names are in the user's language. @type {Record<Name, number>} */
const INDEX = { position: 0, scale: 1, uniform: 3, rotation: 4 };

class SequenceHost {
  /** @param {Premiere} premiere @param {Project} project */
  constructor(premiere, project) {
    this.premiere = premiere;
    this.project = project;
  }

  /**
   * Make one change: `create` gets a function that takes each of its actions.
   * @param {string} label as Edit > Undo names it
   * @param {(add: (action: Action) => void) => void} create
   */
  transact(label, create) {
    let isDone = false;
    this.project.lockedAccess(() => {
      isDone = this.project.executeTransaction((compound) => {
        create((action) => compound.addAction(action));
      }, `SpeakerZoom: ${label}`);
    });
    if (!isDone) throw new HostError(`Premiere refused to ${label}`);
  }

  /** Read what the project holds, while nothing changes it. @template T @param {() => T} read */
  read(read) {
    /** @type {T[]} */
    const values = [];
    this.project.lockedAccess(() => {
      values.push(read());
    });
    return values[0];
  }

  /** @param {number} ticks a whole number of them @returns {TickTime} */
  time(ticks) {
    return this.premiere.TickTime.createWithTicks(String(Math.round(ticks)));
  }

  /**
   * Return the time that is some ticks after another one, exact however late that is.
   * @param {TickTime} time
   * @param {number} ticks
   */
  after(time, ticks) {
    return ticks < 0 ? time.subtract(this.time(-ticks)) : time.add(this.time(ticks));
  }

  /**
   * Return the size of a sequence, and whether it has the frame rate of a plan.
   *
   * The unit of a time base is written nowhere; the settings name ticks.
   * @param {Sequence} sequence
   * @param {number} expected ticks of a frame
   */
  async format(sequence, expected) {
    const { width, height } = await sequence.getFrameSize();
    const timeBase = Number(await sequence.getTimebase());
    const { ticksPerFrame } = (await sequence.getSettings()).getVideoFrameRate();
    const hasRate = [timeBase, ticksPerFrame].includes(expected);
    return { size: [width, height], hasRate };
  }

  /**
   * Return where the clips of each video track lie, in order; empty tracks at the top are left out.
   * @param {Sequence} sequence
   * @returns {Promise<Place[][]>}
   */
  async places(sequence) {
    const tracks = [];
    for (let n = 0; n < (await sequence.getVideoTrackCount()); n += 1) {
      const track = await sequence.getVideoTrack(n);
      const items = track.getTrackItems(this.premiere.Constants.TrackItemType.CLIP, false);
      const places = [];
      for (const item of items) places.push(await this.place(item));
      tracks.push(places.sort((a, b) => a.start - b.start));
    }
    while (tracks.length && !tracks[tracks.length - 1].length) tracks.pop();
    return tracks;
  }

  /** @param {Item} item @returns {Promise<Place>} */
  async place(item) {
    const inTime = await item.getInPoint();
    return {
      item,
      start: (await item.getStartTime()).ticksNumber,
      end: (await item.getEndTime()).ticksNumber,
      inPoint: inTime.ticksNumber,
      inTime,
      disabled: await item.isDisabled(),
    };
  }

  /** Whether the file of a clip is missing. @param {Item} item */
  async isOffline(item) {
    const clip = this.premiere.ClipProjectItem.cast(await item.getProjectItem());
    return Boolean(clip && (await clip.isOffline()));
  }

  /**
   * Read the Motion of a clip; HostError if it has none.
   * @param {Place} place
   * @returns {Promise<Motion>}
   */
  async motion(place) {
    const chain = await place.item.getComponentChain();
    const components = this.read(() => {
      const all = [];
      for (let n = 0; n < chain.getComponentCount(); n += 1) all.push(chain.getComponentAtIndex(n));
      return all;
    });
    for (const component of components) {
      if (MOTION.includes(await component.getMatchName())) return this.motionOf(component, place);
    }
    throw new HostError("a clip has no Motion effect");
  }

  /** @param {Component} component @param {Place} place @returns {Promise<Motion>} */
  async motionOf(component, place) {
    const parameters = this.read(() => ({
      position: component.getParam(INDEX.position),
      scale: component.getParam(INDEX.scale),
      uniform: component.getParam(INDEX.uniform),
      rotation: component.getParam(INDEX.rotation),
    }));
    const reading = {
      position: await this.curve(parameters.position, place),
      scale: await this.curve(parameters.scale, place),
      uniform: await this.curve(parameters.uniform, place),
      rotation: await this.curve(parameters.rotation, place),
    };
    return { reading, parameters };
  }

  /** Read a parameter: its value, or its keys. @param {Parameter} parameter @param {Place} place */
  async curve(parameter, place) {
    /** @type {TickTime[]} */
    const times = this.read(() => (
      parameter.isTimeVarying() ? [...parameter.getKeyframeListAsTickTimes()] : []));
    const varies = this.read(() => parameter.isTimeVarying());
    if (!varies) {
      return { varies, value: plain((await parameter.getStartValue()).value), keys: [] };
    }
    const keys = [];
    for (const time of times) {
      keys.push({
        offset: time.subtract(place.inTime).ticksNumber,
        value: plain(await parameter.getValueAtTime(time)),
        linear: await this.isLinear(parameter, time),
      });
    }
    return { varies, value: null, keys };
  }

  /** Whether a key is linear; null where the host does not say. @param {Parameter} parameter
   * @param {TickTime} time */
  async isLinear(parameter, time) {
    try {
      const key = this.read(() => parameter.getKeyframePtr(time));
      const mode = await key.getTemporalInterpolationMode();
      return mode === this.premiere.Keyframe.INTERPOLATION_MODE_LINEAR;
    } catch (error) {
      return null;
    }
  }

  /**
   * Make all corrections of all clips in one step.
   * @param {{place: Place, motion: Motion, corrections: Correction[]}[]} rows
   */
  correct(rows) {
    const all = rows.flatMap(({ place, motion, corrections }) => corrections.map((correction) => (
      { correction, inTime: place.inTime, parameter: motion.parameters[correction.parameter] })));
    const mode = this.premiere.Keyframe.INTERPOLATION_MODE_LINEAR;
    this.transact("correct Motion", (add) => {
      for (const { correction, inTime, parameter } of all) {
        if (correction.changesVarying) {
          add(parameter.createSetTimeVaryingAction(correction.varies));
        }
        if (!correction.varies) {
          const key = parameter.createKeyframe(this.value(correction.value));
          add(parameter.createSetValueAction(key, true));
        }
        for (const offset of correction.remove) {
          add(parameter.createRemoveKeyframeAction(this.after(inTime, offset), false));
        }
        for (const { offset, value } of correction.add) {
          const key = parameter.createKeyframe(this.value(value));
          key.position = this.after(inTime, offset);
          add(parameter.createAddKeyframeAction(key));
        }
        for (const offset of correction.linear) {
          const time = this.after(inTime, offset);
          add(parameter.createSetInterpolationAtKeyframeAction(time, mode, false));
        }
      }
    });
  }

  /** Set which clips are disabled, in one step. @param {{item: Item, disabled: boolean}[]} rows */
  setDisabled(rows) {
    this.transact("disable the other angles", (add) => {
      for (const { item, disabled } of rows) add(item.createSetDisabledAction(disabled));
    });
  }

  /** Return a value as the host takes it: a point must be a PointF. @param {any} value */
  value(value) {
    const isPoint = value !== null && typeof value === "object";
    return isPoint ? new this.premiere.PointF(value.x, value.y) : value;
  }
}

/**
 * Return what a host answers as a plain value: some answers are wrapped, points may be arrays.
 * @param {any} answer
 * @returns {any}
 */
function plain(answer) {
  let value = answer;
  while (value !== null && typeof value === "object" && "value" in value) value = value.value;
  if (Array.isArray(value)) return { x: value[0], y: value[1] };
  const isPoint = value !== null && typeof value === "object" && "x" in value;
  return isPoint ? { x: value.x, y: value.y } : value;
}

module.exports = { SequenceHost };
