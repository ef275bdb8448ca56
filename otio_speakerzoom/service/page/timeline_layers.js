/** Draws the timeline's two canvases: the content, and above it what moves with hand and time. */

import { drawShots } from "./draw_shots.js";
import { drawPerson, drawSound } from "./draw_signals.js";
import { upperBound, firstAfter } from "./time.js";

/** Steps between labels: frames, then seconds. */
const FRAME_STEPS = [1, 2, 5, 10];
const SECOND_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
/** CSS pixels between two labels, at least: a timecode and some air. */
const LABEL_PX = 108;
/** CSS pixels of a word below which words are ticks: two letters do not fit. */
const WORD_PX = 14;

/**
 * @typedef {object} Scene what a layer draws
 * @property {import("./scale.js").Scale} scale
 * @property {import("./scale.js").Row[]} rows
 * @property {any} model
 * @property {import("./player.js").Player} player
 * @property {import("./palette.js").Palette} palette
 * @property {number} height of the canvas
 */

/**
 * The content: everything that stays where it is while the playhead moves.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene & {shots: any[], words: any[], ribbons: any, voice: any, peaks: any}} scene
 */
export function drawContent(context, scene) {
  const { scale, rows, palette, height } = scene;
  context.fillStyle = palette.bg;
  context.fillRect(0, 0, scale.right, height);
  for (const row of rows) {
    context.save();
    if (row.kind !== "overview") {
      context.fillStyle = row.kind === "ruler" ? palette.bg : palette.panel;
      context.fillRect(scale.left, row.top, scale.width, row.height);
    }
    context.beginPath();
    context.rect(scale.left, row.top, scale.width, row.height);
    context.clip();
    drawRow(context, scene, row);
    context.restore();
    drawLabel(context, scene, row);
  }
}

function drawRow(context, scene, row) {
  if (row.kind === "ruler") drawRuler(context, scene, row);
  else if (row.kind === "shots") drawShots(context, scene, row);
  else if (row.kind === "cuts") drawCuts(context, scene, row);
  else if (row.kind === "words") drawWords(context, scene, row);
  else if (row.kind === "person") drawPerson(context, scene, row);
  else if (row.kind === "sound") drawSound(context, scene, row);
  else drawOverview(context, scene, row);
}

/** The name of a row at the left: people with their number in their colour. */
function drawLabel(context, { scale, palette, model }, row) {
  const texts = { shots: model.preview ? "Preview" : "Shots", cuts: "Source cuts", words: "Words" };
  const text = row.person?.label ?? { ...texts, sound: "Sound" }[row.kind];
  if (!text) return;
  const { ratio } = scale;
  const middle = row.top + row.height / 2;
  context.save();
  context.beginPath();
  context.rect(0, row.top, scale.left - 4 * ratio, row.height);
  context.clip();
  context.textBaseline = "middle";
  let left = 8 * ratio;
  if (row.person) {
    const side = 16 * ratio;
    context.fillStyle = palette.person(row.person.id);
    context.fillRect(left, middle - side / 2, side, side);
    context.fillStyle = palette.ink(row.person.id);
    context.font = palette.bold;
    context.textAlign = "center";
    context.fillText(String(row.person.id), left + side / 2, middle + ratio / 2);
    left += 22 * ratio;
  }
  context.font = palette.font;
  context.textAlign = "left";
  context.fillStyle = row.person ? palette.text : palette.dim;
  if (model.preview && row.kind === "shots") context.fillStyle = palette.warn;
  context.fillText(text, left, middle + ratio / 2);
  context.restore();
}

function drawRuler(context, { scale, palette, player }, row) {
  const { clock } = player;
  if (!clock) return;
  const step = labelStep(scale, clock);
  const minor = step % 5 === 0 ? step / 5 : step % 2 === 0 ? step / 2 : step;
  const bottom = row.top + row.height;
  context.fillStyle = palette.dim;
  context.font = palette.digits;
  context.textAlign = "left";
  context.textBaseline = "middle";
  // ticks stand at round timecodes, and frame 0 may have any
  const first = Math.floor((scale.start + clock.start) / step) * step - clock.start;
  for (let frame = first; frame <= scale.end; frame += step) {
    context.fillRect(scale.x(frame), bottom - row.height * 0.7, scale.ratio, row.height * 0.7);
    if (scale.x(frame) < scale.left) continue; // half a label reads as another one
    const text = clock.label(frame);
    context.fillText(text, scale.x(frame) + 4 * scale.ratio, row.top + row.height * 0.45);
  }
  context.globalAlpha = 0.6;
  for (let frame = first; frame <= scale.end; frame += minor) {
    context.fillRect(scale.x(frame), bottom - row.height * 0.2, scale.ratio, row.height * 0.2);
  }
}

function labelStep(scale, clock) {
  const least = LABEL_PX * scale.ratio * scale.framesPerPixel;
  const steps = [...FRAME_STEPS, ...SECOND_STEPS.map((seconds) => seconds * clock.base)];
  return steps.find((step) => step >= least) ?? steps[steps.length - 1];
}

/** The cuts that the source has itself: a diamond on a line. */
function drawCuts(context, { scale, palette, model }, row) {
  const cuts = model.marks?.camera_cuts ?? [];
  const half = row.height / 2;
  context.fillStyle = palette.text;
  for (let n = upperBound(cuts, scale.start - 1); n < cuts.length && cuts[n] <= scale.end; n += 1) {
    const [x, y] = [scale.x(cuts[n]), row.top + half];
    context.beginPath();
    context.moveTo(x, y - half + scale.ratio);
    context.lineTo(x + half, y);
    context.lineTo(x, y + half - scale.ratio);
    context.lineTo(x - half, y);
    context.fill();
  }
}

function drawWords(context, { scale, palette, words }, row) {
  const { ratio } = scale;
  context.font = palette.font;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (let n = Math.max(0, firstAfter(words, scale.start) - 1); n < words.length; n += 1) {
    const word = words[n];
    if (word.start > scale.end) break;
    const [x, end] = [scale.x(word.start), scale.x(word.end)];
    context.fillStyle = palette.raised;
    const width = Math.max(ratio, end - x - ratio);
    context.fillRect(x, row.top + ratio, width, row.height - 2 * ratio);
    if (width < WORD_PX * ratio) continue;
    context.save();
    context.beginPath();
    context.rect(x, row.top, width, row.height);
    context.clip();
    context.fillStyle = palette.text;
    const left = Math.max(x, scale.left) + 4 * ratio;
    context.fillText(word.text, left, row.top + row.height / 2 + ratio / 2);
    context.restore();
  }
}

/** The whole range with the visible part, and where the doubtful shots are: also the scroll bar. */
function drawOverview(context, { scale, palette, model, shots }, row) {
  const [first, last] = model.range;
  const x = (frame) => scale.left + ((frame - first) / (last - first)) * scale.width;
  context.fillStyle = palette.panel;
  context.fillRect(scale.left, row.top, scale.width, row.height);
  context.fillStyle = palette.warn;
  for (const shot of shots) {
    if (shot.doubt) context.fillRect(x(shot.start), row.top, 2 * scale.ratio, row.height * 0.4);
  }
  const [left, right] = [x(scale.start), x(scale.end)];
  const width = Math.max(8 * scale.ratio, right - left);
  context.globalAlpha = 0.35;
  context.fillStyle = palette.text;
  context.fillRect(left, row.top + row.height * 0.4, width, row.height * 0.6);
}

/**
 * What moves: in and out points, the loop, the pointer's place, the magnet, the playhead.
 * @param {CanvasRenderingContext2D} context
 * @param {Scene & {hover: any, edge: any}} scene
 */
export function drawMoving(context, scene) {
  const { scale, rows, height } = scene;
  context.clearRect(0, 0, scale.right, height);
  const [ruler] = rows;
  const bottom = rows[rows.length - 1].top;
  context.save();
  context.beginPath();
  context.rect(scale.left - 8 * scale.ratio, 0, scale.right, height);
  context.clip();
  drawRanges(context, scene, ruler, bottom);
  drawHover(context, scene, ruler, bottom);
  drawPlayhead(context, scene, ruler, bottom);
  context.restore();
}

function drawRanges(context, { scale, palette, player, model }, ruler, bottom) {
  const { inPoint, outPoint, looping } = player;
  const [first, last] = model.range;
  const thick = 3 * scale.ratio;
  if (inPoint !== null || outPoint !== null) {
    const [left, right] = [scale.x(inPoint ?? first), scale.x(outPoint ?? last)];
    context.fillStyle = "rgb(0 0 0 / 45%)";
    context.fillRect(scale.left, ruler.height, left - scale.left, bottom - ruler.height);
    context.fillRect(right, ruler.height, scale.right - right, bottom - ruler.height);
    context.fillStyle = palette.accent;
    context.fillRect(left, ruler.top, right - left, thick);
    if (inPoint !== null) context.fillRect(left, ruler.top, thick, ruler.height);
    if (outPoint !== null) context.fillRect(right - thick, ruler.top, thick, ruler.height);
  }
  if (!looping) return;
  const [left, right] = [scale.x(looping.start), scale.x(looping.end)];
  context.fillStyle = palette.warn;
  context.fillRect(left, ruler.top + ruler.height - thick, right - left, thick);
  context.globalAlpha = 0.08;
  context.fillRect(left, ruler.height, right - left, bottom - ruler.height);
  context.globalAlpha = 1;
}

/** The pointer's timecode, the edge under it, or the edge in the hand and what holds it. */
function drawHover(context, { scale, palette, player, rows, hover, edge }, ruler, bottom) {
  const shots = rows.find(({ kind }) => kind === "shots");
  const { ratio } = scale;
  if (edge) {
    const x = scale.x(edge.to);
    context.fillStyle = palette.text;
    context.fillRect(x - ratio, ruler.height, 2 * ratio, bottom - ruler.height);
    drawFlag(context, { scale, palette }, x, ruler, `${player.clock.label(edge.to)} ${edge.name}`);
  } else if (hover) {
    if (hover.edge !== null) {
      const x = scale.x(hover.edge);
      context.fillStyle = palette.text;
      context.fillRect(x - 2 * ratio, shots.top, 4 * ratio, shots.height);
    }
    context.fillStyle = "rgb(255 255 255 / 30%)";
    context.fillRect(hover.x, ruler.height, ratio, bottom - ruler.height);
    if (player.clock) {
      const text = player.clock.label(scale.frame(hover.x));
      drawFlag(context, { scale, palette }, hover.x, ruler, text);
    }
  }
}

/** A label on the ruler beside a line. */
function drawFlag(context, { scale, palette }, x, ruler, text) {
  const { ratio } = scale;
  context.font = palette.digits;
  const width = context.measureText(text).width + 8 * ratio;
  const left = Math.min(x, scale.right - width);
  context.fillStyle = palette.raised;
  context.fillRect(left, ruler.top, width, ruler.height);
  context.fillStyle = palette.text;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillText(text, left + 4 * ratio, ruler.top + ruler.height / 2);
}

function drawPlayhead(context, { scale, palette, player }, ruler, bottom) {
  const x = scale.x(player.frame);
  if (x < scale.left - 1 || x > scale.right) return;
  const { ratio } = scale;
  const half = 6 * ratio;
  context.fillStyle = palette.accent;
  // the line covers the whole frame where frames are wide
  context.globalAlpha = 0.25;
  context.fillRect(x, ruler.height, scale.x(player.frame + 1) - x, bottom - ruler.height);
  context.globalAlpha = 1;
  context.fillRect(x, ruler.top, Math.max(1, Math.round(ratio)) * 1.5, bottom);
  context.beginPath();
  context.moveTo(x - half, ruler.height - half * 1.6);
  context.lineTo(x + half + ratio, ruler.height - half * 1.6);
  context.lineTo(x + ratio / 2, ruler.height);
  context.fill();
}
