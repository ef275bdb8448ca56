/** Draws the signals: how likely each person speaks, and the waveform. */

import { visibleShots } from "./draw_shots.js";

/** Full scale of the values: probabilities in 8 bits, and a waveform in 8 signed bits. */
const [PROBABILITY, AMPLITUDE] = [255, 127];
/** Height of the bar under a person's ribbon where the programme shows them, in CSS pixels. */
const ON_AIR_PX = 4;

/**
 * A person's ribbon: the area up to the most likely moment of each bin is faint, up to the least
 * likely one full. A bar below it shows where the programme shows the person.
 * @param {CanvasRenderingContext2D} context
 * @param {any} scene
 * @param {import("./scale.js").Row} row
 */
export function drawPerson(context, scene, row) {
  const { scale, palette, shots, signals, model } = scene;
  const index = model.people.findIndex(({ id }) => id === row.person.id);
  const onAir = Math.round(ON_AIR_PX * scale.ratio);
  const [top, height] = [row.top + scale.ratio, row.height - onAir - 3 * scale.ratio];
  context.fillStyle = palette.person(row.person.id);
  if (signals.ribbons && row.person.ignore) context.globalAlpha = 0.3;
  const values = signals.ribbons?.values[index];
  if (values) {
    context.globalAlpha *= 0.4;
    fillBelow(context, scale, signals.ribbons, values, 1, top, height);
    context.globalAlpha /= 0.4;
    fillBelow(context, scale, signals.ribbons, values, 0, top, height);
  }
  context.globalAlpha = 1;
  for (const { shot, start, end } of visibleShots(shots, scale, scene.edge)) {
    if (!shot.subjects.includes(row.person.id)) continue;
    const x = scale.x(start);
    context.fillRect(x, row.top + row.height - onAir, Math.max(1, scale.x(end) - x), onAir);
  }
}

/** Fill from the row's bottom up to the minimum (0) or maximum (1) of each bin. */
function fillBelow(context, scale, window, values, which, top, height) {
  const bottom = top + height;
  context.beginPath();
  let isOpen = false;
  for (let bin = 0; bin < window.count; bin += 1) {
    const value = values[2 * bin + which];
    const x = binX(scale, window, bin);
    if (value) {
      if (!isOpen) context.moveTo(x, bottom);
      const y = bottom - (value / PROBABILITY) * height;
      context.lineTo(x, y);
      context.lineTo(binX(scale, window, bin + 1), y);
      isOpen = true;
    } else if (isOpen) {
      context.lineTo(x, bottom);
      isOpen = false;
    }
  }
  if (isOpen) context.lineTo(binX(scale, window, window.count), bottom);
  context.fill();
}

/**
 * The waveform, over the moments in which somebody speaks.
 * @param {CanvasRenderingContext2D} context
 * @param {any} scene
 * @param {import("./scale.js").Row} row
 */
export function drawSound(context, scene, row) {
  const { scale, palette, signals } = scene;
  if (signals.voice) {
    context.fillStyle = palette.accent;
    context.globalAlpha = 0.16;
    fillBelow(context, scale, signals.voice, signals.voice.values[0], 1, row.top, row.height);
    context.globalAlpha = 1;
  }
  if (!signals.peaks) return;
  const { peaks } = signals;
  const [middle, half] = [row.top + row.height / 2, row.height / 2];
  const [values] = peaks.values;
  const y = (value) => middle - (value / AMPLITUDE) * half;
  context.fillStyle = palette.dim;
  context.beginPath();
  for (let bin = 0; bin < peaks.count; bin += 1) {
    context.lineTo(binX(scale, peaks, bin), y(values[2 * bin + 1]));
    context.lineTo(binX(scale, peaks, bin + 1), y(values[2 * bin + 1]));
  }
  // back below, a pixel lower, so that silence is a line
  for (let bin = peaks.count - 1; bin >= 0; bin -= 1) {
    context.lineTo(binX(scale, peaks, bin + 1), y(values[2 * bin]) + scale.ratio);
    context.lineTo(binX(scale, peaks, bin), y(values[2 * bin]) + scale.ratio);
  }
  context.fill();
}

function binX(scale, window, bin) {
  return scale.x((window.first + bin) * window.framesPerBin);
}
