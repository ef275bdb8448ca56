/** The bar between pictures and timeline: drag it, or move it by the arrow keys. */

import { saveSetting, setting } from "./settings.js";

/** Heights in pixels below which pictures show nothing, and a timeline has no room for its rows. */
const LEAST_PICTURES = 120;
const LEAST_TIMELINE = 200;
/** Step of an arrow key in pixels. */
const STEP = 16;

/**
 * @param {HTMLElement} bar
 * @param {HTMLElement} pictures
 */
export function makeSplit(bar, pictures) {
  /** @param {number | undefined} height in pixels; undefined for as high as the width allows */
  const set = (height) => {
    const { style } = document.documentElement;
    const below = bar.getBoundingClientRect().bottom - pictures.getBoundingClientRect().bottom;
    const most = innerHeight - pictures.getBoundingClientRect().top - below - LEAST_TIMELINE;
    if (height === undefined) style.removeProperty("--pictures");
    else style.setProperty("--pictures", `${Math.max(LEAST_PICTURES, Math.min(most, height))}px`);
    bar.setAttribute("aria-valuenow", String(Math.round(pictures.offsetHeight)));
    saveSetting("pictures", height);
  };
  const remembered = setting("pictures", 0);
  if (remembered) set(remembered);
  bar.addEventListener("pointerdown", (event) => {
    const top = event.clientY - pictures.offsetHeight;
    bar.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ { clientY }) => set(clientY - top);
    bar.addEventListener("pointermove", move);
    bar.addEventListener("lostpointercapture", () => bar.removeEventListener("pointermove", move),
      { once: true });
  });
  bar.addEventListener("dblclick", () => set(undefined));
  bar.addEventListener("keydown", ({ key }) => {
    const step = { ArrowUp: -STEP, ArrowDown: STEP }[key];
    if (step) set(pictures.offsetHeight + step);
    else if (key === "Home") set(undefined);
  });
}
