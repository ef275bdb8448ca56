/** Moves one cut, by hand or by keys: within its limits, with both frames in sight, saved at the end. */

import { EdgePair } from "./edge_pair.js";

/** Milliseconds after the last key until the cut is saved: one edit for one movement. */
const KEY_PAUSE_MS = 700;

export class EdgeEdit {
  /**
   * @param {HTMLElement} root
   * @param {import("./player.js").Player} player
   * @param {any} model
   * @param {(edge: any) => void} onChange receives the cut in the hand when it has moved, and null
   *   at the end
   */
  constructor(root, player, model, onChange) {
    this.model = model;
    this._onChange = onChange;
    this._pair = new EdgePair(root, player, model);
    /** The cut in the hand: before shot `index`, moved to frame `to`. */
    this.current = null;
    for (const name of ["shots", "preview"]) model.addEventListener(name, () => this._check());
  }

  /**
   * Take the cut before a shot.
   * @param {number} index
   */
  begin(index) {
    this.commit(); // of keys pressed just before
    const shots = this.model.shots;
    const [before, after] = [shots[index - 1], shots[index]];
    if (!before || !after || this.model.preview) return false;
    this.current = {
      index, frame: after.start, to: after.start, name: "",
      // one frame of each neighbour remains
      least: before.start + 1, most: after.end - 1,
    };
    return true;
  }

  /**
   * @param {number} to first frame after the cut
   * @param {string} [name] of what the magnet has found there
   * @param {number} [x] where the pair of pictures stands, in CSS pixels of the window
   */
  move(to, name = "", x = 0) {
    const { current } = this;
    const within = Math.max(current.least, Math.min(current.most, to));
    Object.assign(current, { to: within, name: within === to ? name : "limit" });
    this._pair.show(current, x);
    this._onChange(current);
  }

  /** Move by keys: saved a little after the last one. */
  nudge(index, count, x) {
    if (this.current?.index !== index && !this.begin(index)) return;
    this.move(this.current.to + count, "", x);
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this.commit(), KEY_PAUSE_MS);
  }

  /** Save the cut where it is now. */
  commit() {
    const current = this._end();
    if (!current || current.to === current.frame) return;
    this.model.apply([{ name: "set_edge", frame: current.frame, to: current.to }]);
  }

  /** Put the cut back. */
  abandon() {
    this._end();
  }

  _end() {
    const { current } = this;
    if (!current) return null;
    clearTimeout(this._timer);
    this.current = null;
    this._pair.hide();
    this._onChange(null);
    return current;
  }

  /** Another edit, or another program, may have changed the shots meanwhile. */
  _check() {
    const { current } = this;
    if (current && this.model.shots[current.index]?.start !== current.frame) this.abandon();
  }
}
