/** The programme: each picture of the source as the film shows it, cropped on a canvas. */

import { coverAt, partsAt, wholePixels } from "./framing.js";
import { firstAfter } from "./time.js";
import { fitInside, resize, watchSize } from "./surface.js";

/** Share of the light that dimming leaves, as in the film. */
const DIM_LIGHT = 0.15;
/** Sigma of the film's blur, as a share of the face's width. */
const BLUR_SHARE = 1 / 8;

/**
 * Draws inside the callback of each picture, with the crop of the frame that the picture's own
 * time names: picture and crop cannot part.
 */
export class ProgrammeView {
  /**
   * @param {HTMLElement} root an empty element that fills its panel
   * @param {import("./player.js").Player} player
   * @param {any} model
   */
  constructor(root, player, model) {
    this.player = player;
    this.model = model;
    /** A crop under the user's hand, drawn in place of the shot's. @type {number[]|null} */
    this.pendingCrop = null;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "view";
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "Programme");
    root.append(this.canvas);
    this._context = this.canvas.getContext("2d", { alpha: false });
    this._room = [1, 1, 1];
    watchSize(root, (...room) => {
      this._room = room;
      this.draw();
    });
    player.addEventListener("picture", () => this.draw());
    for (const name of ["state", "shots", "preview"]) {
      model.addEventListener(name, () => this.draw());
    }
  }

  /** Draw the picture on the screen again. */
  draw() {
    const { state } = this.model;
    if (!state?.source) return;
    this._place(state.canvas ?? state.source.size);
    if (!this.player.ready) return;
    const { frame, picture } = this.player;
    const shots = this.model.programmeShots();
    const index = shotIndex(shots, frame);
    const { size } = state.source;
    const shot = shots[index];
    const canvas = state.canvas ?? size;
    const whole = { crop: this.pendingCrop ?? [0, 0, ...size], area: [0, 0, ...canvas] };
    const parts = shot && !this.pendingCrop ? partsAt(shot, frame, size, canvas) : [whole];
    this._context.imageSmoothingQuality = this.player.playing ? "low" : "high";
    const scale = [this.canvas.width / canvas[0], this.canvas.height / canvas[1]];
    for (const { crop, area } of parts) {
      drawPart(this._context, picture, size, wholePixels(crop, size), onScreen(area, scale));
    }
    const pixels = wholePixels(parts[0].crop, size);
    if (shot?.covers?.length) this._cover(shot, frame, size, pixels);
    const { dataset } = document.documentElement;
    dataset.frame = String(frame);
    dataset.shot = String(index);
  }

  /** Give the canvas the programme's aspect, as large as the panel allows. */
  _place([width, height]) {
    const [across, down, ratio] = this._room;
    const [left, top, w, h] = fitInside(width / height, across, down);
    resize(this.canvas, w, h);
    Object.assign(this.canvas.style, {
      left: `${left / ratio}px`,
      top: `${top / ratio}px`,
      width: `${w / ratio}px`,
      height: `${h / ratio}px`,
    });
  }

  /** Blur or dim the faces that the style obscures. */
  _cover(shot, frame, size, [left, top, width, height]) {
    const context = this._context;
    const [x, y] = [this.canvas.width / width, this.canvas.height / height];
    for (const cover of shot.covers) {
      const box = coverAt(cover, frame);
      if (!box) continue;
      const area = [(box[0] - left) * x, (box[1] - top) * y];
      const extent = [(box[2] - box[0]) * x, (box[3] - box[1]) * y];
      context.save();
      context.beginPath();
      context.rect(...area, ...extent);
      context.clip();
      if (cover.effect === "blur") {
        context.filter = `blur(${Math.max(2, extent[0] * BLUR_SHARE)}px)`;
        const pixels = [left, top, width, height];
        const whole = [0, 0, this.canvas.width, this.canvas.height];
        drawPart(context, this.player.picture, size, pixels, whole);
      } else {
        context.fillStyle = `rgb(0 0 0 / ${1 - DIM_LIGHT})`;
        context.fillRect(...area, ...extent);
      }
      context.restore();
    }
  }
}

/** An area of the programme's canvas in whole pixels of the one on the screen: halves meet exactly. */
function onScreen([left, top, width, height], [x, y]) {
  const edges = [left * x, top * y, (left + width) * x, (top + height) * y].map(Math.round);
  return [edges[0], edges[1], edges[2] - edges[0], edges[3] - edges[1]];
}

/** Draw a part of the picture, in pixels of the source, on an area; a proxy may be smaller. */
function drawPart(context, picture, size, [left, top, width, height], area) {
  const x = (picture.videoWidth ?? picture.displayWidth ?? picture.width) / size[0];
  const y = (picture.videoHeight ?? picture.displayHeight ?? picture.height) / size[1];
  context.drawImage(picture, left * x, top * y, width * x, height * y, ...area);
}

/**
 * The index of the shot that holds a frame; -1 if none does.
 * @param {{start: number, end: number}[]} shots in order
 * @param {number} frame
 */
export function shotIndex(shots, frame) {
  const index = firstAfter(shots, frame) - 1;
  return index >= 0 && frame < shots[index].end ? index : -1;
}
