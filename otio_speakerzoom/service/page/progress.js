/** How far a job is. */

import { el } from "./dom.js";

/**
 * A bar and a text; without a total, only the stage.
 * @param {import("./types.js").Job} job
 */
export function progressOf({ kind, stage, done, total, state, label }) {
  if (state === "waiting") return el("span", { class: "dim" }, "waiting");
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const percent = `${Math.floor(100 * share)} %`;
  return el("span", { class: "progress" },
    el("progress", { max: 1, ...(total > 0 ? { value: share } : {}), "aria-label": label }),
    el("span", { class: "number" }, [kind === "send" ? "" : stage, total > 0 ? percent : ""].filter(Boolean).join(" ")));
}

/** @param {number} seconds */
export function duration(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) return `${seconds.toFixed(1)} s`;
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const text = parts.map((part) => String(part).padStart(2, "0")).join(":");
  return text.startsWith("00:") ? text.slice(3) : text;
}
