/** What plays: the source, or a preview file, made where the browser cannot play the source. */

import { ApiError, send } from "./api.js";
import { el } from "./dom.js";
import { progressOf } from "./progress.js";

/**
 * Say what plays, and make the preview file where one is needed.
 * @param {HTMLElement} host
 * @param {import("./actions.js").Page} page
 */
export function showMediaNote(host, { model, player }) {
  let why = "";
  let requests = 0;
  const draw = () => host.replaceChildren(...note(model, player, why, () => make()));
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
  player.video.addEventListener("loadeddata", () => {
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

/**
 * @param {import("./model.js").Model} model
 * @param {any} player
 * @param {string} why the source does not play; empty if something plays
 * @param {() => void} make
 */
function note(model, player, why, make) {
  if (player.usesProxy) {
    const hdr = model.state.source.hdr ? " Its HDR colours are tone-mapped here." : "";
    return [`Preview file in at most 1080p; exports use the original.${hdr}`];
  }
  if (!why) return [];
  const job = proxyJob(model);
  const stills = "Stills until then; edits and exports work.";
  if (job && ["waiting", "running"].includes(job.state))
    return [el("span", {}, `${why} A preview file is being made. ${stills} `), progressOf(job)];
  if (model.state.proxy) return [el("span", { class: "warn" }, `${why} Here are stills.`)];
  return [
    el("span", { class: "warn" }, `${why} ${job?.error ?? "Here are stills."} `),
    el("button", { type: "button", onclick: make }, "Make a preview file"),
  ];
}
