/** The page before there is a cut: progress of the analysis, or how to begin. */

import { ApiError, getJson, send } from "./api.js";
import { el } from "./dom.js";
import { progressOf } from "./progress.js";

/** Time between two looks for a source, in ms. */
const LOOK_AGAIN = 2000;

/**
 * Show how far the analysis is, and begin it if nothing has yet. Ends when there is a cut.
 * @param {HTMLElement} host
 * @param {import("./model.js").Model} model
 * @returns {Promise<void>}
 */
export function waitForCut(host, model) {
  return new Promise((resolve) => {
    const draw = () => {
      host.hidden = model.state.status === "cut";
      if (!host.hidden) host.replaceChildren(...analysis(model));
      else {
        model.removeEventListener("state", draw);
        model.removeEventListener("jobs", draw);
        resolve();
      }
    };
    for (const name of ["state", "jobs"]) model.addEventListener(name, draw);
    draw();
    if (model.state.status === "not analysed" && !analysisJob(model)) analyse(model);
  });
}

/** @param {import("./model.js").Model} model */
function analysisJob(model) {
  return model.jobs.findLast(({ kind }) => kind === "analyse");
}

/** @param {import("./model.js").Model} model */
async function analyse(model) {
  try {
    await send("POST", "api/jobs", { kind: "analyse" });
  } catch (fault) {
    if (!(fault instanceof ApiError)) throw fault;
    model.notify(fault.message);
  }
}

/** @param {import("./model.js").Model} model */
function analysis(model) {
  const job = analysisJob(model);
  const picture = el("img", { src: "api/frames/0?height=360&of=source", alt: "First frame" });
  const ended = job && ["failed", "cancelled"].includes(job.state);
  if (!ended)
    return [picture, el("h2", {}, "Finding out who speaks when"),
      el("p", { class: "dim" }, "The cut appears here when the analysis is done. You can close "
        + "this page meanwhile."), job ? progressOf(job) : el("span", { class: "dim" }, "waiting"),
      job && el("button", { type: "button", onclick: () => void cancel(model, job.id) },
        "Cancel")].filter(Boolean);
  return [picture, el("h2", {}, job.state === "failed" ? "The analysis failed" : "Not analysed"),
    job.error && el("p", { class: "warn" }, job.error),
    el("button", { type: "button", class: "primary", onclick: () => void analyse(model) },
      job.state === "failed" ? "Try again" : "Analyse")].filter(Boolean);
}

/** @param {import("./model.js").Model} model @param {string} id */
async function cancel(model, id) {
  try {
    await send("DELETE", `api/jobs/${id}`);
  } catch (fault) {
    if (!(fault instanceof ApiError)) throw fault;
    model.notify(fault.message);
  }
}

/**
 * Say that no source is open, and list those that are as soon as there are some.
 * @param {HTMLElement} host
 * @param {any} state
 */
export function waitForSource(host, state) {
  host.hidden = false;
  const open = state.errands ?? [];
  host.replaceChildren(
    el("h2", {}, "No recording is open"),
    el("p", { class: "dim" }, "Open one in a terminal: ",
      el("kbd", {}, "speakerzoom review talk.mp4")),
    ...open.map((/** @type {any} */ { name, url }) => el("p", {}, el("a", { href: url }, name))),
  );
  setTimeout(async () => {
    waitForSource(host, await getJson("api/state").catch(() => state));
  }, LOOK_AGAIN);
}
