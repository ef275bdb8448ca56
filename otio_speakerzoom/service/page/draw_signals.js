/** Draws the signals: how likely each person speaks, and the waveform. */

import { visibleShots } from "./draw_shots.js";
import { columns, fillColumns, pixel } from "./raster.js";

/** Full scale of the values: probabilities in 8 bits, and a waveform in 8 signed bits. */
const [PROBABILITY, AMPLITUDE] = [255, 127];
/** Height of the bar under a person's ribbon where the programme shows them, in CSS pixels. */
const ON_AIR_PX = 4;
/** How much of a colour is left where a probability is only reached at times, or nobody counts. */
const [FAINT, IGNORED, VOICE] = [0.4, 0.3, 0.16];

/**
 * A person's ribbon: up to the most likely moment of each pixel it is faint, up to the least likely
 * one full. A bar below it shows where the programme shows the person.
 * @param {CanvasRenderingContext2D} context
 * @param {any} scene
 * @param {import("./scale.js").Row} row
 */
export function drawPerson(context, scene, row) {
  const { scale, coarse, palette, shots, signals, model, raster } = scene;
  const { person } = row;
  const onAir = Math.round(ON_AIR_PX * scale.ratio);
  const gap = Math.round(scale.ratio);
  const index = model.people.findIndex(({ id }) => id === person.id);
  const values = signals.ribbons?.values[index];
  if (values) {
    const { low, high } = columns(coarse, signals.ribbons, values);
    const box = {
      left: scale.left, top: row.top + gap,
      width: scale.width, height: row.height - onAir - 3 * gap,
    };
    const part = person.ignore ? IGNORED : 1;
    const [full, faint] = [part, part * FAINT].map((alpha) =>
      pixel(palette.person(person.id), palette.panel, alpha),
    );
    const none = pixel(palette.panel, palette.panel);
    raster.paint(context, box, scale.ratio, (pixels, width, height) => {
      pixels.fill(none);
      fillColumns(pixels, height, high, PROBABILITY, faint);
      fillColumns(pixels, height, low, PROBABILITY, full);
    });
  }
  context.fillStyle = palette.person(person.id);
  for (const { shot, start, end } of visibleShots(shots, scale, scene.edge)) {
    if (!shot.subjects.includes(person.id)) continue;
    const x = scale.x(start);
    context.fillRect(x, row.top + row.height - onAir, Math.max(1, scale.x(end) - x), onAir);
  }
}

/**
 * The waveform, over the moments in which somebody speaks.
 * @param {CanvasRenderingContext2D} context
 * @param {any} scene
 * @param {import("./scale.js").Row} row
 */
export function drawSound(context, scene, row) {
  const { scale, coarse, palette, signals, raster } = scene;
  const { voice, peaks } = signals;
  const speech = voice && columns(coarse, voice, voice.values[0]).high;
  const wave = peaks?.count ? columns(coarse, peaks, peaks.values[0]) : null;
  const none = pixel(palette.panel, palette.panel);
  const tint = pixel(palette.accent, palette.panel, VOICE);
  const line = pixel(palette.dim, palette.panel);
  const box = { left: scale.left, top: row.top, width: scale.width, height: row.height };
  raster.paint(context, box, scale.ratio, (pixels, width, height) => {
    pixels.fill(none);
    if (speech) fillColumns(pixels, height, speech, PROBABILITY, tint);
    if (wave) fillWave(pixels, width, height, wave, line);
  });
}

/** Fill each column from its minimum to its maximum; silence is a line. */
function fillWave(pixels, width, height, { low, high }, colour) {
  const half = height / 2;
  const y = (value) => Math.round(half - (value / AMPLITUDE) * half);
  for (let x = 0; x < width; x += 1) {
    const [top, bottom] = [Math.max(0, y(high[x])), Math.min(height - 1, y(low[x]))];
    for (let row = Math.min(top, bottom); row <= bottom; row += 1) pixels[row * width + x] = colour;
  }
}
