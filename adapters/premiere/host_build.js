/**
 * Builds a sequence from the recording itself, where the import of a timeline makes none.
 *
 * The sequence is Premiere's own for that recording, with the cut's frame size. Other angles are
 * left out: there would be sound on every track. Where anything differs in the end, the sequence is
 * deleted again; it is ours, and nothing else is touched.
 *
 * @typedef {import("./host_sequence.js").SequenceHost} SequenceHost
 * @typedef {import("./host.js").Clip} Clip
 * @typedef {import("./motion.js").Plan} Plan
 * @typedef {import("@adobe/premierepro").Sequence} Sequence
 * @typedef {import("@adobe/premierepro").TickTime} TickTime
 * @typedef {import("@adobe/premierepro").TrackItemSelection} TrackItemSelection
 */

const { HostError } = require("./host.js");
const { placeFault } = require("./motion.js");

/**
 * Return a new sequence with the shots of a plan on its first track, not framed yet.
 *
 * HostError if Premiere builds something else; then no sequence stays behind.
 * @param {SequenceHost} host
 * @param {Clip} clip
 * @param {Plan} plan with one track
 * @returns {Promise<Sequence>}
 */
async function build(host, clip, plan) {
  if (plan.rotation) {
    throw new HostError("Premiere made no sequence of the file, and a recording with a rotation " +
      "flag is not built directly; import the file by File > Import");
  }
  const video = host.premiere.Constants.MediaType.VIDEO;
  const marks = [await clip.item.getInPoint(video), await clip.item.getOutPoint(video)];
  host.transact("clear in and out", (add) => add(clip.item.createClearInOutPointsAction()));
  const bin = await host.project.getInsertionBin();
  const sequence = await host.project.createSequenceFromMedia(plan.name, [clip.item], bin);
  if (!sequence) throw new HostError("Premiere makes no sequence of this recording");
  try {
    await fill(host, clip, plan, sequence);
    await addMarkers(host, plan, sequence);
  } catch (error) {
    await host.project.deleteSequence(sequence);
    throw error;
  } finally {
    host.transact("set in and out as they were", (add) => {
      add(clip.item.createSetInOutPointsAction(marks[0], marks[1]));
    });
  }
  return sequence;
}

/** @param {SequenceHost} host @param {Clip} clip @param {Plan} plan @param {Sequence} sequence */
async function fill(host, clip, plan, sequence) {
  await setSize(host, plan, sequence);
  const [first] = (await host.places(sequence)).flat();
  if (!first) throw new HostError("Premiere's sequence of this recording has no picture");
  let fault = "";
  for (const isOneStep of [true, false]) { // some hosts read in and out when an action is created
    await clear(host, sequence);
    place(host, clip, plan, sequence, first.inTime, isOneStep);
    fault = placeFault(plan, await host.places(sequence));
    if (!fault) return;
  }
  throw new HostError(`Premiere builds another sequence: ${fault}`);
}

/** @param {SequenceHost} host @param {Plan} plan @param {Sequence} sequence */
async function setSize(host, plan, sequence) {
  const settings = await sequence.getSettings();
  const size = new host.premiere.RectF();
  [size.width, size.height] = plan.canvas;
  await settings.setVideoFrameRect(size);
  host.transact("set the frame size", (add) => add(sequence.createSetSettingsAction(settings)));
  const format = await host.format(sequence, plan.ticks_per_frame);
  if (!format.hasRate) {
    throw new HostError("Premiere's sequence of this recording has another frame rate");
  }
  if (format.size.join() !== plan.canvas.join()) {
    throw new HostError(`Premiere does not take the frame size ${plan.canvas.join(" x ")}`);
  }
}

/** Remove all clips. @param {SequenceHost} host @param {Sequence} sequence */
async function clear(host, sequence) {
  const { premiere } = host;
  const items = [];
  for (let n = 0; n < (await sequence.getVideoTrackCount()); n += 1) {
    const track = await sequence.getVideoTrack(n);
    items.push(...track.getTrackItems(premiere.Constants.TrackItemType.CLIP, false));
  }
  for (let n = 0; n < (await sequence.getAudioTrackCount()); n += 1) {
    const track = await sequence.getAudioTrack(n);
    items.push(...track.getTrackItems(premiere.Constants.TrackItemType.CLIP, false));
  }
  if (!items.length) return;
  /** @type {TrackItemSelection[]} */
  const selections = [];
  premiere.TrackItemSelection.createEmptySelection((selection) => selections.push(selection));
  const [selection] = selections;
  for (const item of items) selection.addItem(item, true);
  const editor = premiere.SequenceEditor.getEditor(sequence);
  host.transact("clear the new sequence", (add) => {
    add(editor.createRemoveItemsAction(selection, false, premiere.Constants.MediaType.ANY));
  });
}

/**
 * Place all shots, in one step or in one for each.
 * @param {SequenceHost} host @param {Clip} clip @param {Plan} plan @param {Sequence} sequence
 * @param {TickTime} begin of the recording, as its clip counts it
 * @param {boolean} isOneStep
 */
function place(host, clip, plan, sequence, begin, isOneStep) {
  const editor = host.premiere.SequenceEditor.getEditor(sequence);
  const item = host.premiere.ProjectItem.cast(clip.item);
  const ticks = (/** @type {number} */ frames) => frames * plan.ticks_per_frame;
  const steps = plan.tracks[0].map((shot) => ({
    in: host.after(begin, ticks(shot.source[0])),
    out: host.after(begin, ticks(shot.source[1])),
    at: host.time(ticks(shot.start)),
  }));
  if (isOneStep) {
    host.transact("place the shots", (add) => {
      for (const step of steps) {
        add(clip.item.createSetInOutPointsAction(step.in, step.out));
        add(editor.createOverwriteItemAction(item, step.at, 0, 0));
      }
    });
    return;
  }
  for (const step of steps) {
    host.transact("set in and out", (add) => {
      add(clip.item.createSetInOutPointsAction(step.in, step.out));
    });
    host.transact("place a shot", (add) => {
      add(editor.createOverwriteItemAction(item, step.at, 0, 0));
    });
  }
}

/** @param {SequenceHost} host @param {Plan} plan @param {Sequence} sequence */
async function addMarkers(host, plan, sequence) {
  const markers = await host.premiere.Markers.getMarkers(sequence);
  const zero = host.premiere.TickTime.TIME_ZERO;
  const kind = host.premiere.Marker.MARKER_TYPE_COMMENT;
  host.transact("add the markers", (add) => {
    for (const shot of plan.tracks[0]) {
      const at = host.time(shot.start * plan.ticks_per_frame);
      add(markers.createAddMarkerAction(shot.name, kind, at, zero, shot.comment));
    }
  });
}

module.exports = { build };
