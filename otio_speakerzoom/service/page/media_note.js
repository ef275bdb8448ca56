/** What plays: the source, or a preview file, made where the browser cannot play the source. */

import { ApiError, send } from "./api.js";
import { el } from "./dom.js";
import { progressOf } from "./progress.js";

/**
 * Say what plays, and make the preview file where one is needed.
 * @param {HTMLElement} host for what stays true
 * @param {HTMLElement} banner for what is wrong now
 * @param {import("./actions.js").Page} page
 */
export function showMediaNote(host, banner, { model, player }) {
  let why = "";
  let requests = 0;
  const draw = () => {
    host.textContent = player.usesProxy ? proxyNote(model.state.source.hdr) : "";
    banner.hidden = !why;
    banner.replaceChildren(...why ? trouble(model, why, () => void make()) : []);
  };
  const make = async () => {
    requests += 1;
    try {
      await send("POST", "api/jobs", { kind: "proxy" });
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      model.notify(`No preview file: ${fault.message}`);
    }
  };
  player.addEventListener("unplayable", (/** @type {CustomEvent} */ event) => {
    why = event.detail.why;
    if (!model.state.proxy && !requests && !proxyJob(model)) make();
    draw();
  });
  player.addEventListener("media", () => {
    why = "";
    draw();
  });
  for (const name of ["jobs", "state"]) model.addEventListener(name, draw);
  draw();
}

/** @param {import("./model.js").Model} model */
function proxyJob(model) {
  return model.jobs.findLast(({ kind }) => kind === "proxy");
}

/** @param {boolean} hdr whether the source is in HDR */
function proxyNote(hdr) {
  const colours = hdr ? " Its HDR colours are tone-mapped here." : "";
  return `Preview file in at most 1080p; exports use the original.${colours}`;
}

/**
 * @param {import("./model.js").Model} model
 * @param {string} why nothing plays
 * @param {() => void} make
 */
function trouble(model, why, make) {
  const job = proxyJob(model);
  const stills = "You see stills until then; edits and exports work.";
  if (job && ["waiting", "running"].includes(job.state))
    return [el("span", {}, `${why} A preview file is being made. ${stills}`), progressOf(job)];
  if (model.state.proxy)
    return [el("span", { class: "warn" }, `${why} You see stills; edits and exports work.`)];
  return [
    el("span", { class: "warn" }, `${why} ${job?.error ?? "You see stills."}`),
    el("button", { type: "button", onclick: make }, "Make a preview file"),
  ];
}
