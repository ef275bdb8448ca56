/** The timeline: shots, who speaks, the sound and the words over time, on two canvases. */

import { EdgeEdit } from "./edge_edit.js";
import { liveText } from "./live_text.js";
import { Magnet } from "./magnet.js";
import { Palette } from "./palette.js";
import { Raster } from "./raster.js";
import { Scale, layRows, leastHeight } from "./scale.js";
import { Signals } from "./signals.js";
import { oncePerFrame, resize, watchSize } from "./surface.js";
import { firstAfter } from "./time.js";
import { drawContent, drawMoving } from "./timeline_layers.js";
import { describePlayhead, describeShot } from "./timeline_text.js";
import { TimelinePointer } from "./timeline_pointer.js";
import { fetchWords } from "./words.js";

/** Zoom of one press of a key. */
const KEY_ZOOM = 1.5;
/** Part of the view that lies left of the playhead after the view has turned a page. */
const PAGE_LEAD = 0.05;
/** Seconds shown before and after a shot to which the view zooms, as a share of the shot. */
const AROUND_SHOT = 0.5;
/** Milliseconds between two texts for screen readers while it plays. */
const TEXT_MS = 1000;

export class Timeline {
  /**
   * @param {HTMLElement} root an empty element
   * @param {import("./player.js").Player} player
   * @param {any} model
   */
  constructor(root, player, model) {
    this.player = player;
    this.model = model;
    this.words = [];
    /** Whether the pointer moves something: the view then stays under it. */
    this.isDragging = false;
    this._hover = null;
    this._room = [1, 1, 1];
    this.redraw = oncePerFrame(() => this._drawContent());
    this.redrawMoving = oncePerFrame(() => this._drawMoving());
    this._build(root);
    this.magnet = new Magnet();
    const say = liveText(root);
    this.edge = new EdgeEdit(root, player, model, (edge) => {
      this._redrawAll();
      if (edge) say(`Cut at ${player.clock.label(edge.to)} ${edge.name}`);
    });
    this._signals = new Signals(model, this.redraw);
    this._raster = new Raster();
    this._measure();
    watchSize(this.stage, (...room) => {
      this._room = room;
      this._palette = new Palette((id) => model.colourOf(id), room[2]);
      this._measure();
      this._drawContent(); // at once: a canvas of a new size is empty
      this._drawMoving();
    });
    this._listen();
    new TimelinePointer(this.stage, this);
    this._takeMarks();
    this._takeWords();
  }

  zoomIn() {
    this.zoom(1 / KEY_ZOOM, this._centre());
  }

  zoomOut() {
    this.zoom(KEY_ZOOM, this._centre());
  }

  /**
   * Zoom about a frame, which stays where it is.
   * @param {number} factor above 1 shows more
   * @param {number} frame
   */
  zoom(factor, frame) {
    const { start, end } = this.model.view;
    const [first, last] = this.model.range;
    const most = (last - first) / (end - start);
    const least = 12 / (end - start); // a dozen frames fill the view
    const within = Math.min(Math.max(factor, least), Math.max(most, least));
    this.model.setView(frame - (frame - start) * within, frame + (end - frame) * within);
  }

  zoomAll() {
    this.model.setView(...this.model.range);
  }

  /** @param {number} index */
  zoomToShot(index) {
    const shot = this.model.programmeShots()[index];
    if (!shot) return;
    const around = Math.max(6, (shot.end - shot.start) * AROUND_SHOT);
    this.model.setView(shot.start - around, shot.end + around);
  }

  /** Put the playhead in the middle of the view. */
  centre() {
    const half = (this.model.view.end - this.model.view.start) / 2;
    this.model.setView(this.player.frame - half, this.player.frame + half);
  }

  /**
   * Move the cut nearest to the playhead, or the one that keys have just moved.
   * @param {number} count frames
   */
  nudgeCut(count) {
    const index = this.edge.current?.index ?? this._nearestCut();
    if (index) this.edge.nudge(index, count, this._windowX(this.model.shots[index].start));
  }

  /** Move the nearest cut to the playhead: the frame on the screen is the first after it. */
  cutToPlayhead() {
    const index = this._nearestCut();
    if (!index || !this.edge.begin(index)) return;
    this.edge.move(this.player.target, "", this._windowX(this.player.target));
    this.edge.commit();
  }

  /** Where the pointer is, or null. @param {{x: number, edge: number|null, row?: any}|null} hover */
  setHover(hover) {
    this._hover = hover;
    const title = hover ? this._titleAt(hover.row?.kind, this.scale.frame(hover.x)) : "";
    if (this.stage.title !== title) this.stage.title = title;
    this.redrawMoving();
  }

  /** What there is no room to write: all about a shot, or the whole of a line of words. */
  _titleAt(kind, frame) {
    if (kind === "shots") return describeShot(this.model, this.player, this.model.shotAt(frame));
    const word = kind === "words" && this.words[firstAfter(this.words, frame) - 1];
    return word && frame < word.end ? word.text : "";
  }

  /** Scroll where the pointer drags beyond the ends of the view. @param {number} x */
  scrollNear(x) {
    const { scale, model } = this;
    const beyond = x < scale.left ? x - scale.left : Math.max(0, x - scale.right);
    if (!beyond) return;
    const frames = beyond * scale.framesPerPixel * 0.3; // a third a move: a hand can stop in time
    model.setView(model.view.start + frames, model.view.end + frames);
    this._measure();
  }

  _build(root) {
    root.classList.add("timeline");
    this.stage = document.createElement("div");
    this.stage.className = "stage";
    this.stage.tabIndex = 0;
    this.stage.setAttribute("role", "slider");
    this.stage.setAttribute("aria-label", "Timeline");
    const canvases = [0, 1].map(() => document.createElement("canvas"));
    for (const canvas of canvases) canvas.setAttribute("aria-hidden", "true");
    this._canvases = canvases;
    this._contexts = canvases.map((canvas, n) => canvas.getContext("2d", { alpha: n === 1 }));
    this.stage.append(...canvases);
    root.append(this.stage);
  }

  _listen() {
    const { model, player } = this;
    model.addEventListener("view", () => {
      this._measure();
      this._redrawAll();
    });
    for (const name of ["shots", "preview", "selection", "state"]) {
      model.addEventListener(name, () => this.redraw());
    }
    model.addEventListener("people", () => {
      this._palette = new Palette((id) => model.colourOf(id), this._room[2]);
      this._signals.check();
      this._measure();
      this.redraw();
    });
    model.addEventListener("marks", () => this._takeMarks());
    model.addEventListener("words", () => this._takeWords());
    for (const name of ["play", "points"]) player.addEventListener(name, () => this.redrawMoving());
    player.addEventListener("frame", () => this._onFrame());
  }

  _takeMarks() {
    this.magnet.take({ pauses: [], turns: [], camera_cuts: [], ...this.model.marks });
    this._measure();
    this._redrawAll();
  }

  async _takeWords() {
    if (this.model.words) this.words = this.model.words;
    else if (this.model.state.words) this.words = await fetchWords(this.model);
    this._measure();
    this._redrawAll();
  }

  /** Where everything lies now. */
  _measure() {
    const { model } = this;
    const [width, height, ratio] = this._room;
    this.scale = new Scale(model.view, width, ratio);
    /** The same in CSS pixels. */
    this._coarse = new Scale(model.view, Math.round(width / ratio), 1);
    const content = {
      people: model.people,
      cuts: Boolean(model.marks?.camera_cuts?.length),
      words: this.words.length > 0 || Boolean(model.state.words),
      sound: model.state.source.has_audio !== false,
    };
    this.rows = layRows(content, height, ratio);
    this.stage.style.minHeight = `${leastHeight(content)}px`;
  }

  _redrawAll() {
    this.redraw();
    this.redrawMoving();
  }

  _scene() {
    return {
      scale: this.scale, rows: this.rows, model: this.model, player: this.player,
      palette: this._palette, height: this._room[1], edge: this.edge.current,
    };
  }

  _drawContent() {
    if (!this._palette) return;
    const [width, height] = this._room;
    resize(this._canvases[0], width, height);
    drawContent(this._contexts[0], {
      ...this._scene(),
      shots: this.model.programmeShots(),
      words: this.words,
      signals: this._signals.read(this.scale),
      raster: this._raster,
      coarse: this._coarse,
    });
  }

  _drawMoving() {
    if (!this._palette) return;
    const [width, height] = this._room;
    resize(this._canvases[1], width, height);
    drawMoving(this._contexts[1], { ...this._scene(), hover: this._hover });
  }

  _onFrame() {
    this._follow();
    this.redrawMoving();
    if (this._clock !== this.player.clock) this.redraw(); // the ruler waits for it
    this._clock = this.player.clock;
    const now = performance.now();
    if (this.player.playing && now - (this._describedAt ?? 0) < TEXT_MS) return;
    this._describedAt = now;
    describePlayhead(this.stage, this.model, this.player);
  }

  /** Keep the playhead in view, unless the user has scrolled away from it while it plays. */
  _follow() {
    const { view } = this.model;
    const { frame, playing } = this.player;
    const isIn = frame >= view.start && frame < view.end;
    const wasIn = this._wasIn ?? true;
    this._wasIn = isIn;
    if (isIn || this.isDragging || (playing && !wasIn)) return;
    const length = view.end - view.start;
    const lead = playing ? PAGE_LEAD : 0.5;
    this.model.setView(frame - lead * length, frame + (1 - lead) * length);
    this._wasIn = true;
  }

  _centre() {
    const { start, end } = this.model.view;
    const { frame } = this.player;
    return frame >= start && frame < end ? frame : (start + end) / 2;
  }

  /** The index of the shot whose first cut is nearest to the playhead; 0 if there is no cut. */
  _nearestCut() {
    const { shots } = this.model;
    const frame = this.player.target;
    const after = firstAfter(shots, frame);
    const [before, next] = [shots[after - 1]?.start, shots[after]?.start];
    if (next === undefined) return Math.max(0, after - 1);
    return after - 1 > 0 && frame - before <= next - frame ? after - 1 : after;
  }

  _windowX(frame) {
    const box = this.stage.getBoundingClientRect();
    return box.left + this.scale.x(frame) / this.scale.ratio;
  }
}
