/** The crop rectangle of the shot under the playhead: drag it, scale it, or nudge it by keys. */

import { cropAt, moveInside, scaleCrop } from "./framing.js";
import { liveText } from "./live_text.js";

/** The corners as x and y: 0 is left or top, 1 right or bottom. */
const CORNERS = { nw: [0, 0], ne: [1, 0], sw: [0, 1], se: [1, 1] };
/** Pixels of the source by which an arrow key moves, and with Shift. */
const [NUDGE, BIG_NUDGE] = [2, 20];
/** Factor by which + and - scale. */
const ZOOM = 1.02;
/** Milliseconds after the last key until the crop is saved: one edit for one movement. */
const KEY_PAUSE_MS = 700;
/** Keys that change the crop, with their direction. */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class CropTool {
  /**
   * @param {HTMLElement} root the panel of the source
   * @param {import("./player.js").Player} player
   * @param {any} model
   * @param {(crop: number[]|null) => void} onCrop receives the crop under the user's hand
   */
  constructor(root, player, model, onCrop) {
    this.player = player;
    this.model = model;
    this._onCrop = onCrop;
    this._area = [0, 0, 1, 1]; // of the picture in the panel, in CSS pixels
    this._size = [1, 1];
    /** The shot and the crop that the user changes now. @type {{shot: any, crop: number[], before: number[]}|null} */
    this._edit = null;
    this._build(root);
    this._say = liveText(root);
    this._frame.addEventListener("pointerdown", (event) => this._grab(event));
    this._frame.addEventListener("keydown", (event) => this._onKey(event));
    this._frame.addEventListener("blur", () => this._isByKeys && this._commit());
  }

  /** Put the keyboard focus on the rectangle. */
  focus() {
    this._frame.focus({ preventScroll: true });
  }

  /**
   * @param {number[]} area of the picture in the panel: left, top, width, height in CSS pixels
   * @param {number[]} size of the source
   */
  setArea(area, size) {
    this._area = area;
    this._size = size;
    this.place();
  }

  /** Show the rectangle where the crop is now. */
  place() {
    const shot = this._edit?.shot ?? this._shot();
    this._frame.hidden = !shot || Boolean(shot.two_up) || !this.player.ready;
    if (!shot || shot.two_up) return;
    const crop = this._edit?.crop ?? this._cropOf(shot);
    const [left, top, width, height] = this._area;
    const [x, y] = [width / this._size[0], height / this._size[1]];
    Object.assign(this._frame.style, {
      left: `${left + crop[0] * x}px`,
      top: `${top + crop[1] * y}px`,
      width: `${(crop[2] - crop[0]) * x}px`,
      height: `${(crop[3] - crop[1]) * y}px`,
    });
    this._frame.classList.toggle("locked", Boolean(shot.crop_locked));
    this._describe(crop);
  }

  _build(root) {
    this._frame = document.createElement("div");
    this._frame.className = "crop";
    this._frame.tabIndex = 0;
    this._frame.setAttribute("role", "group");
    this._frame.setAttribute("aria-roledescription", "crop rectangle");
    this._frame.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight ArrowUp ArrowDown + - Escape");
    this._frame.title = "Drag to move the crop, drag a corner to scale it. Keys: arrows, + and -.";
    for (const name of Object.keys(CORNERS)) {
      const handle = document.createElement("span");
      handle.className = `handle ${name}`;
      handle.dataset.corner = name;
      this._frame.append(handle);
    }
    root.append(this._frame);
  }

  _describe(crop) {
    const [left, top, right, bottom] = crop.map(Math.round);
    const percent = Math.round((100 * (bottom - top)) / this._size[1]);
    const text = `Crop ${right - left} by ${bottom - top} at ${left}, ${top}: ${percent} % of the height`;
    if (this._frame.getAttribute("aria-label") !== text) this._frame.setAttribute("aria-label", text);
  }

  _shot() {
    return this.model.programmeShots()[this.model.shotAt(this.player.target)];
  }

  _cropOf(shot) {
    return cropAt(shot, this.player.target, this._size, this.model.state.canvas);
  }

  _begin() {
    if (this._edit || this.model.preview) return Boolean(this._edit);
    const shot = this._shot();
    if (!shot || shot.two_up) return false;
    if (this.player.playing) this.player.pause();
    const crop = moveInside(this._cropOf(shot), this._size);
    this._edit = { shot, crop, before: crop };
    return true;
  }

  _change(crop) {
    this._edit.crop = crop;
    this._frame.classList.add("active");
    this.place();
    this._onCrop(crop);
    this._say(this._frame.getAttribute("aria-label") ?? "");
  }

  /** Save the crop that the user has made, if it is another one. */
  _commit() {
    const edit = this._end();
    if (!edit) return;
    if (edit.crop.every((edge, n) => edge === edit.before[n])) return this._abandon();
    const { start, end, subjects } = edit.shot;
    // a hundredth of a pixel is nothing to see, and short to read
    const crop = edit.crop.map((edge) => Math.round(edge * 100) / 100);
    this.model.apply([{ name: "crop", shot: { start, end, subjects }, crop }]);
    this.place();
    this._onCrop(null);
  }

  _abandon() {
    this._end();
    this.place();
    this._onCrop(null);
  }

  _end() {
    const edit = this._frame.classList.contains("active") ? this._edit : null;
    clearTimeout(this._timer);
    this._edit = null;
    this._isByKeys = false;
    this._frame.classList.remove("active");
    return edit;
  }

  _grab(event) {
    if (event.button !== 0) return;
    this._commit(); // of keys pressed just before
    if (!this._begin()) return;
    event.preventDefault();
    this.focus();
    const corner = event.target.dataset.corner;
    const [from, x, y] = [this._edit.crop, event.clientX, event.clientY];
    const scale = this._size[0] / this._area[2];
    const move = (at) => {
      const [dx, dy] = [(at.clientX - x) * scale, (at.clientY - y) * scale];
      if (corner) this._change(this._scaled(from, corner, dx, dy));
      else this._change(moveInside(shifted(from, dx, dy), this._size));
    };
    this._follow(event.pointerId, move);
  }

  /** Follow the pointer until it is released, or until Escape. */
  _follow(pointer, move) {
    const frame = this._frame;
    const stop = new AbortController();
    const { signal } = stop;
    const finish = (action) => {
      stop.abort();
      action();
    };
    frame.setPointerCapture(pointer);
    frame.addEventListener("pointermove", move, { signal });
    frame.addEventListener("pointerup", () => finish(() => this._commit()), { signal });
    frame.addEventListener("pointercancel", () => finish(() => this._abandon()), { signal });
    const onKey = (event) => {
      if (event.key !== "Escape") return;
      event.stopImmediatePropagation();
      finish(() => this._abandon());
    };
    window.addEventListener("keydown", onKey, { signal, capture: true });
  }

  /** The opposite corner stays; the larger movement of the two counts. */
  _scaled(from, corner, dx, dy) {
    const [x, y] = CORNERS[corner];
    const height = from[3] - from[1];
    const aspect = (from[2] - from[0]) / height;
    const [wider, taller] = [(x ? dx : -dx) / aspect, y ? dy : -dy];
    const growth = Math.abs(wider) > Math.abs(taller) ? wider : taller;
    return scaleCrop(from, height + growth, [1 - x, 1 - y], this._size, this._least());
  }

  _least() {
    return this.model.state.min_crop_height ?? 1;
  }

  _onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    const zoom = { "+": 1 / ZOOM, "=": 1 / ZOOM, "-": ZOOM }[event.key];
    if (event.key === "Escape" && this._edit) this._abandon();
    else if (event.key === "Enter" && this._edit) this._commit();
    else if ((arrow || zoom) && this._begin()) this._nudge(arrow, zoom, event.shiftKey);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  _nudge(arrow, zoom, isBig) {
    const { crop } = this._edit;
    const distance = isBig ? BIG_NUDGE : NUDGE;
    if (arrow) {
      const moved = shifted(crop, arrow[0] * distance, arrow[1] * distance);
      this._change(moveInside(moved, this._size));
    } else {
      const height = (crop[3] - crop[1]) * zoom;
      this._change(scaleCrop(crop, height, [0.5, 0.5], this._size, this._least()));
    }
    this._isByKeys = true;
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._commit(), KEY_PAUSE_MS);
  }
}

/** @param {number[]} crop */
function shifted([left, top, right, bottom], dx, dy) {
  return [left + dx, top + dy, right + dx, bottom + dy];
}
