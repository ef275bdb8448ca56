/** What the pointer does on the timeline: scrub, select, drag cuts, scroll and zoom. */

import { firstAfter } from "./time.js";

/** CSS pixels around a cut in which the pointer takes it, and the share of a shot that is left to it:
 * the middle half of a narrow shot can still be clicked. */
const [EDGE_PX, EDGE_SHARE] = [6, 0.25];
/** Zoom for one pixel of a wheel: a notch of a hundred pixels zooms by a quarter. */
const WHEEL_ZOOM = 0.0022;
/** Pixels of one line, for wheels that count lines. */
const LINE_PX = 16;

export class TimelinePointer {
  /**
   * @param {HTMLElement} stage
   * @param {import("./timeline.js").Timeline} timeline
   */
  constructor(stage, timeline) {
    this.stage = stage;
    this.timeline = timeline;
    stage.addEventListener("pointerdown", (event) => this._onDown(event));
    stage.addEventListener("pointermove", (event) => this._onHover(event));
    stage.addEventListener("pointerleave", () => timeline.setHover(null));
    stage.addEventListener("dblclick", (event) => this._onDouble(event));
    stage.addEventListener("wheel", (event) => this._onWheel(event), { passive: false });
  }

  /** Pixels of the screen from the canvas's corner. */
  _place(event) {
    const box = this.stage.getBoundingClientRect();
    const { ratio } = this.timeline.scale;
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  }

  _row(y) {
    return this.timeline.rows.find(({ top, height }) => y >= top && y < top + height);
  }

  /** The index of the shot whose first cut the pointer can take; 0 where there is none. */
  _edgeAt(x, row) {
    const { model, scale } = this.timeline;
    if (row?.kind !== "shots" || model.preview) return 0;
    const { shots } = model;
    const after = firstAfter(shots, scale.edge(x));
    let best = 0;
    let distance = Infinity;
    for (const index of [after - 1, after]) {
      if (index < 1 || index >= shots.length) continue;
      const [before, at, next] = [shots[index - 1].start, shots[index].start, shots[index].end];
      const narrower = Math.min(at - before, next - at) / scale.framesPerPixel;
      const reach = Math.min(EDGE_PX * scale.ratio, narrower * EDGE_SHARE);
      const away = Math.abs(scale.x(at) - x);
      if (away <= reach && away < distance) [best, distance] = [index, away];
    }
    return best;
  }

  _onHover(event) {
    if (event.buttons) return;
    const { model, scale } = this.timeline;
    const { x, y } = this._place(event);
    const row = this._row(y);
    const edge = this._edgeAt(x, row);
    this.stage.style.cursor = edge ? "ew-resize" : row?.kind === "overview" ? "grab" : "default";
    if (x < scale.left || row?.kind === "overview") return this.timeline.setHover(null);
    this.timeline.setHover({ x: Math.round(x), edge: edge ? model.shots[edge].start : null, row });
  }

  _onDown(event) {
    const { timeline } = this;
    const { x, y } = this._place(event);
    const row = this._row(y);
    if (event.button === 1) return this._drag(event, this._pan(x));
    if (event.button !== 0 || x < timeline.scale.left) return;
    if (row?.kind === "overview") return this._drag(event, this._scrollTo(), true);
    const edge = this._edgeAt(x, row);
    if (edge && timeline.edge.begin(edge)) return this._dragEdge(event, x, row);
    this._click(x, row);
    this._drag(event, (at) => this._scrub(at));
  }

  _click(x, row) {
    const { model, player, scale, words } = this.timeline;
    if (player.playing && row?.kind === "ruler") player.pause();
    let frame = scale.frame(x);
    if (row?.kind === "words") frame = words[firstAfter(words, frame) - 1]?.start ?? frame;
    if (row?.kind === "shots") model.select(model.shotAt(frame), frame);
    player.seek(frame);
  }

  _scrub({ x, moved }) {
    const { timeline } = this;
    if (!moved) return;
    timeline.scrollNear(x);
    timeline.player.seek(timeline.scale.frame(x));
  }

  _pan(x) {
    const { view } = this.timeline.model;
    const { framesPerPixel } = this.timeline.scale;
    return (at) => {
      const frames = (x - at.x) * framesPerPixel;
      this.timeline.model.setView(view.start + frames, view.end + frames);
    };
  }

  /** The pointer is where the middle of the visible part is in the overview. */
  _scrollTo() {
    const { model, scale } = this.timeline;
    const [first, last] = model.range;
    return ({ x }) => {
      const middle = first + ((x - scale.left) / scale.width) * (last - first);
      const half = (model.view.end - model.view.start) / 2;
      model.setView(middle - half, middle + half);
    };
  }

  _dragEdge(event, x, row) {
    const { edge, scale, magnet, player } = this.timeline;
    const grip = edge.current.frame - scale.at(x); // the cut does not jump to the pointer
    let hasMoved = false;
    const move = (at) => {
      if (!at.moved) return;
      hasMoved = true;
      this.timeline.scrollNear(at.x);
      const now = this.timeline.scale;
      const wanted = Math.round(now.at(at.x) + grip);
      const reach = {
        playhead: player.frame,
        rate: player.clock.rate,
        framesPerPixel: now.framesPerPixel * now.ratio,
      };
      // window managers of Linux take Alt with a drag for themselves
      const isFree = at.event.altKey || at.event.shiftKey;
      const { frame, name } = isFree ? { frame: wanted, name: "" } : magnet.snap(wanted, reach);
      edge.move(frame, name, at.event.clientX);
    };
    this._drag(event, move, false, (isDone) => {
      if (isDone && hasMoved) return edge.commit();
      edge.abandon();
      if (isDone) this._click(x, row); // a click on a cut is a click
    });
  }

  /** Follow the pointer until it is released or Escape is pressed. */
  _drag(event, onMove, atOnce = false, onEnd = () => {}) {
    event.preventDefault();
    this.stage.focus({ preventScroll: true });
    this.stage.setPointerCapture(event.pointerId);
    this.timeline.setHover(null);
    this.timeline.isDragging = true;
    const stop = new AbortController();
    const { signal } = stop;
    const from = event.clientX;
    let moved = atOnce;
    const move = (at) => {
      moved ||= Math.abs(at.clientX - from) > 2; // a click is no drag
      onMove({ ...this._place(at), moved, event: at });
    };
    const end = (isDone) => {
      stop.abort();
      this.timeline.isDragging = false;
      onEnd(isDone);
    };
    this.stage.addEventListener("pointermove", move, { signal });
    this.stage.addEventListener("pointerup", () => end(true), { signal });
    this.stage.addEventListener("pointercancel", () => end(false), { signal });
    const onKey = (key) => {
      if (key.key !== "Escape") return;
      key.stopImmediatePropagation();
      end(false);
    };
    window.addEventListener("keydown", onKey, { signal, capture: true });
    if (atOnce) move(event);
  }

  _onDouble(event) {
    const { x, y } = this._place(event);
    const { model, scale } = this.timeline;
    if (this._row(y)?.kind !== "shots" || x < scale.left) return;
    this.timeline.zoomToShot(model.shotAt(scale.frame(x)));
  }

  /** The wheel scrolls; with Ctrl, or a pinch, it zooms at the pointer. */
  _onWheel(event) {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    const { x } = this._place(event);
    const { model, scale } = this.timeline;
    if (event.ctrlKey || event.metaKey) {
      this.timeline.zoom(Math.exp(event.deltaY * unit * WHEEL_ZOOM), scale.at(Math.max(x, scale.left)));
      return;
    }
    const pixels = (event.deltaX || event.deltaY) * unit * scale.ratio;
    const frames = pixels * scale.framesPerPixel;
    model.setView(model.view.start + frames, model.view.end + frames);
  }
}
