/** Draws the row of shots: colour, number, name, and marks for locks and doubts. */

import { firstAfter } from "./time.js";

/** CSS pixels of a shot below which its hatch, its number, and then its name, are left out. */
const [HATCH_PX, NUMBER_PX, NAME_PX] = [4, 16, 52];

/**
 * The visible shots of a cut, with the edge in the hand where the hand is.
 * @param {any[]} shots
 * @param {{start: number, end: number}} view
 * @param {{index: number, to: number}|null} edge
 */
export function* visibleShots(shots, view, edge) {
  for (let n = Math.max(0, firstAfter(shots, view.start) - 2); n < shots.length; n += 1) {
    const shot = shots[n];
    const start = edge?.index === n ? edge.to : shot.start;
    const end = edge?.index === n + 1 ? edge.to : shot.end;
    if (start > view.end) return;
    if (end >= view.start) yield { shot, index: n, start, end };
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {any} scene
 * @param {import("./scale.js").Row} row
 */
export function drawShots(context, scene, row) {
  const { scale, shots, model } = scene;
  for (const { shot, index, start, end } of visibleShots(shots, scale, scene.edge)) {
    const [x, stop] = [scale.x(start), scale.x(end)];
    const gap = stop - x > 4 * scale.ratio ? scale.ratio : 0;
    const box = { x, y: row.top, width: Math.max(1, stop - x - gap), height: row.height };
    fillShot(context, scene, shot, box);
    drawMarks(context, scene, shot, box);
    drawText(context, scene, shot, box);
    if (index === model.selected) outline(context, scene, box);
  }
}

/** One colour and hatch for a single, two for a two-shot, grey for the wide. */
function fillShot(context, { palette, scale }, { subjects }, { x, y, width, height }) {
  const isHatched = width >= HATCH_PX * scale.ratio;
  const fill = (style, top, tall) => {
    context.fillStyle = style;
    context.fillRect(x, top, width, tall);
  };
  if (!subjects.length) {
    fill(palette.line, y, height);
    if (isHatched) fill(palette.wideHatch(context), y, height);
    return;
  }
  const part = height / subjects.length;
  subjects.forEach((id, n) => {
    fill(palette.person(id), y + n * part, part);
    const hatch = isHatched && palette.hatch(context, id);
    if (hatch) fill(hatch, y + n * part, part);
  });
}

/** A bar at the bottom and a padlock for a lock; a bar at the top and a triangle for a doubt. */
function drawMarks(context, { scale, palette }, shot, { x, y, width, height }) {
  const { ratio } = scale;
  const bar = 3 * ratio;
  if (shot.doubt) {
    context.fillStyle = palette.warn;
    context.fillRect(x, y, width, bar);
    if (width > NUMBER_PX * ratio) drawTriangle(context, x + 2 * ratio, y + bar, 9 * ratio);
  }
  if (shot.locked) {
    context.fillStyle = "#fff";
    context.fillRect(x, y + height - bar, width, bar);
    if (width > NUMBER_PX * ratio) {
      drawPadlock(context, x + width - 13 * ratio, y + height - bar - 13 * ratio, ratio);
    }
  }
}

function drawTriangle(context, x, y, side) {
  context.strokeStyle = "#0c0e11";
  context.lineWidth = side / 9;
  context.beginPath();
  context.moveTo(x, y + side);
  context.lineTo(x + side / 2, y + side * 0.15);
  context.lineTo(x + side, y + side);
  context.closePath();
  context.fill();
  context.stroke();
}

function drawPadlock(context, x, y, ratio) {
  context.fillStyle = "#fff";
  context.strokeStyle = "#0c0e11";
  context.lineWidth = 3.2 * ratio;
  context.beginPath();
  context.arc(x + 5 * ratio, y + 4.5 * ratio, 2.7 * ratio, Math.PI, 0);
  context.stroke();
  context.strokeStyle = "#fff";
  context.lineWidth = 1.6 * ratio;
  context.stroke();
  context.fillRect(x + ratio, y + 4.5 * ratio, 8 * ratio, 6 * ratio);
  context.strokeStyle = "#0c0e11";
  context.lineWidth = ratio * 0.8;
  context.strokeRect(x + ratio, y + 4.5 * ratio, 8 * ratio, 6 * ratio);
}

/** Numbers on a plate of the person's colour, so that a hatch leaves them legible. */
function drawText(context, { scale, palette, model }, { subjects }, { x, y, width, height }) {
  const { ratio } = scale;
  if (width < NUMBER_PX * ratio) return;
  const number = subjects.join("+") || "W";
  const name = subjects.map((id) => model.labelOf(id)).join(", ") || "Wide";
  // a long shot keeps its name in sight
  const left = Math.max(x, scale.left) + 5 * ratio;
  const room = x + width - left;
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.font = palette.bold;
  const isNamed = room > NAME_PX * ratio;
  const text = isNamed ? (subjects.length ? `${number}  ${name}` : name) : number;
  const [plateWidth, plateHeight] = [context.measureText(text).width + 6 * ratio, 16 * ratio];
  const top = y + (height - plateHeight) / 2;
  context.fillStyle = subjects.length ? palette.person(subjects[0]) : palette.line;
  context.fillRect(left - 3 * ratio, top, Math.min(plateWidth, room), plateHeight);
  context.fillStyle = subjects.length ? palette.ink(subjects[0]) : palette.text;
  context.fillText(text, left, y + height / 2 + ratio / 2);
  context.restore();
}

function outline(context, { scale, palette }, { x, y, width, height }) {
  const thick = 2 * scale.ratio;
  context.lineWidth = thick;
  context.strokeStyle = palette.bg;
  const inner = 1.5 * thick;
  if (width > 4 * thick) {
    context.strokeRect(x + inner, y + inner, width - 2 * inner, height - 2 * inner);
  }
  context.strokeStyle = "#fff";
  context.strokeRect(x + thick / 2, y + thick / 2, Math.max(0, width - thick), height - thick);
}
