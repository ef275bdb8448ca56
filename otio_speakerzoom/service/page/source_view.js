/** The whole source beside the programme: the same picture, face boxes, and the shot's crop. */

import { CropTool } from "./crop_tool.js";
import { Faces } from "./faces.js";
import { fitInside, oncePerFrame, resize, watchSize } from "./surface.js";

export class SourceView {
  /**
   * @param {HTMLElement} root an empty element that fills its panel
   * @param {import("./player.js").Player} player
   * @param {any} model
   * @param {(crop: number[]|null) => void} onCrop receives a crop while the user changes it
   */
  constructor(root, player, model, onCrop) {
    this.player = player;
    this.model = model;
    this._showsBoxes = true;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "view";
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "Source");
    root.classList.add("source-view");
    root.append(this.canvas);
    this._context = this.canvas.getContext("2d", { alpha: false });
    this._room = [1, 1, 1];
    /** @type {Map<number, string>} */
    this._colours = new Map();
    const later = oncePerFrame(() => this.draw());
    this._faces = new Faces(later);
    this.crop = new CropTool(root, player, model, onCrop);
    watchSize(root, (...room) => {
      this._room = room;
      this.draw();
    });
    player.addEventListener("picture", () => this.draw());
    for (const name of ["state", "people"]) model.addEventListener(name, later);
    for (const name of ["shots", "preview"]) {
      model.addEventListener(name, () => this.crop.place());
    }
    model.addEventListener("people", () => this._forgetMerged());
  }

  /** Whether face boxes are drawn. */
  get showBoxes() {
    return this._showsBoxes;
  }

  set showBoxes(value) {
    this._showsBoxes = value;
    this.draw();
  }

  /** Draw the picture on the screen again. */
  draw() {
    const { source } = this.model.state ?? {};
    if (!source) return;
    this._place(source.size);
    if (!this.player.ready) return;
    const { width, height } = this.canvas;
    this._context.imageSmoothingQuality = this.player.playing ? "low" : "medium";
    this._context.drawImage(this.player.picture, 0, 0, width, height);
    if (this._showsBoxes) this._drawBoxes(source);
    this.crop.place();
  }

  _place(size) {
    const [across, down, ratio] = this._room;
    const [left, top, width, height] = fitInside(size[0] / size[1], across, down);
    resize(this.canvas, width, height);
    const area = [left, top, width, height].map((value) => value / ratio);
    ["left", "top", "width", "height"].forEach((name, n) => {
      this.canvas.style[name] = `${area[n]}px`;
    });
    this.crop.setArea(area, size);
  }

  /** Each face with its person's colour and number: colour alone says nothing to many eyes. */
  _drawBoxes({ size, duration }) {
    const context = this._context;
    const ratio = this._room[2];
    const scale = this.canvas.width / size[0];
    context.lineWidth = Math.max(1, Math.round(1.5 * ratio));
    context.font = `600 ${11 * ratio}px system-ui, sans-serif`;
    context.textBaseline = "middle";
    context.textAlign = "center";
    for (const { person, box } of this._faces.at(this.player.frame, duration)) {
      const [left, top, right, bottom] = box.map((edge) => Math.round(edge * scale));
      const colour = this._colourOf(person);
      context.strokeStyle = colour;
      context.strokeRect(left + 0.5, top + 0.5, right - left, bottom - top);
      const side = Math.round(15 * ratio);
      context.fillStyle = colour;
      context.fillRect(left, top, side, side);
      context.fillStyle = "#000";
      context.fillText(String(person), left + side / 2, top + side / 2 + ratio / 2);
    }
  }

  /** Colours are asked for once: the style sheet answers slowly, and this is for every picture. */
  _colourOf(person) {
    if (!this._colours.has(person)) this._colours.set(person, this.model.colourOf(person));
    return this._colours.get(person);
  }

  /** Boxes name people: after a merge they are read again. */
  _forgetMerged() {
    const ids = this.model.people.map(({ id }) => id).join();
    if (this._ids !== undefined && ids !== this._ids) this._faces.clear();
    this._ids = ids;
  }
}
