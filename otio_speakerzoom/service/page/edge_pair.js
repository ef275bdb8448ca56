/** The two frames at a cut, the last before and the first after it, while the cut is moved. */

import { partsAt } from "./framing.js";
import { fetchStill } from "./stills.js";

/** Height of the pictures, and of the frames that they are cropped from, in pixels. */
const [PICTURE_PX, STILL_PX] = [126, 540];
/** Milliseconds without a move until frames are read: a hand on its way needs none. */
const PAUSE_MS = 70;
/** Frames that stay in memory, of 2 MB each: those around the place of the hand. */
const MAX_STILLS = 8;

export class EdgePair {
  /**
   * @param {HTMLElement} root
   * @param {import("./player.js").Player} player
   * @param {any} model
   */
  constructor(root, player, model) {
    this.player = player;
    this.model = model;
    /** @type {Map<number, ImageBitmap>} */
    this._stills = new Map();
    this._build(root);
  }

  /**
   * Show the frames at a cut.
   * @param {{index: number, to: number}} edge
   * @param {number} x where, in CSS pixels of the window
   */
  show(edge, x) {
    this._edge = edge;
    this._root.hidden = false;
    const { width } = this._root.getBoundingClientRect();
    const panel = this._panel.getBoundingClientRect();
    const left = Math.max(4, Math.min(window.innerWidth - width - 4, x - width / 2));
    this._root.style.left = `${left}px`;
    this._root.style.bottom = `${window.innerHeight - panel.top + 4}px`;
    const { clock } = this.player;
    this._sides.forEach(({ label, shift }, n) => {
      label.textContent = `${n ? "first" : "last"} ${clock.label(edge.to + shift)}`;
    });
    this._draw();
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._read(), PAUSE_MS);
  }

  hide() {
    clearTimeout(this._timer);
    this._reading?.abort();
    this._root.hidden = true;
    for (const still of this._stills.values()) still.close();
    this._stills.clear();
  }

  _build(root) {
    this._panel = root;
    this._root = document.createElement("div");
    this._root.className = "edge-pair";
    this._root.hidden = true;
    this._sides = [-1, 0].map((shift) => {
      const figure = document.createElement("figure");
      const canvas = document.createElement("canvas");
      const label = document.createElement("figcaption");
      figure.append(canvas, label);
      this._root.append(figure);
      return { shift, canvas, label };
    });
    root.append(this._root);
  }

  async _read() {
    this._reading?.abort();
    const reading = new AbortController();
    this._reading = reading;
    for (const { shift } of this._sides) {
      const frame = this._edge.to + shift;
      if (this._stills.has(frame)) continue;
      const still = await fetchStill(frame, STILL_PX, reading.signal).catch(() => null);
      if (reading.signal.aborted) return still?.close();
      if (still) this._store(frame, still);
      this._draw();
    }
  }

  _store(frame, still) {
    this._stills.set(frame, still);
    if (this._stills.size <= MAX_STILLS) return;
    const [oldest, picture] = this._stills.entries().next().value;
    this._stills.delete(oldest);
    picture.close();
  }

  /** Each frame as its shot shows it, though the cut on the service is still elsewhere. */
  _draw() {
    const { canvas: [across, down], source: { size } } = this.model.state;
    const ratio = window.devicePixelRatio || 1;
    for (const { shift, canvas } of this._sides) {
      canvas.height = Math.round(PICTURE_PX * ratio);
      canvas.width = Math.round((canvas.height * across) / down);
      canvas.style.height = `${PICTURE_PX}px`;
      const frame = this._edge.to + shift;
      const still = this._stills.get(frame);
      const shot = this.model.shots[this._edge.index + shift];
      if (!still || !shot) continue;
      const [x, y] = [still.width / size[0], still.height / size[1]];
      const [right, lower] = [canvas.width / across, canvas.height / down];
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      for (const { crop, area } of partsAt(shot, frame, size, [across, down])) {
        const [width, height] = [(crop[2] - crop[0]) * x, (crop[3] - crop[1]) * y];
        context.drawImage(still, crop[0] * x, crop[1] * y, width, height,
          area[0] * right, area[1] * lower, area[2] * right, area[3] * lower);
      }
    }
  }
}
