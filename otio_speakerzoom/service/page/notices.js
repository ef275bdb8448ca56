/** Lines to the editor, at the foot of the page, and how far the edits are saved. */

import { el } from "./dom.js";

/** How long a line without a choice stays, in ms: time to read two lines twice. */
const STAY = 7000;
/** More lines would cover the page; the oldest that ask nothing leave first. */
const MOST = 6;

/**
 * @param {HTMLElement} host
 * @param {import("./model.js").Model} model
 */
export function showNotices(host, model) {
  model.addEventListener("notice", (event) => {
    const { text, actions } = /** @type {CustomEvent} */ (event).detail;
    for (const old of [...host.children])
      if (old.firstElementChild?.textContent === text) old.remove();
    const notice = el("div", { class: "notice" }, el("p", {}, text));
    for (const { label, run } of actions)
      notice.append(el("button", { type: "button", onclick: () => {
        notice.remove();
        run();
      } }, label));
    notice.append(el("button", { type: "button", class: "quiet", "aria-label": "Close this line",
      onclick: () => notice.remove() }, "×"));
    host.append(notice);
    if (actions.length) notice.classList.add("stays");
    else setTimeout(() => notice.remove(), STAY);
    if (host.children.length > MOST) host.querySelector(".notice:not(.stays)")?.remove();
  });
}

/**
 * @param {HTMLElement} host
 * @param {import("./model.js").Model} model
 */
export function showSaving(host, model) {
  const draw = () => {
    const { count, trouble, connected, signedOut } = model.saving;
    const waits = count > 0 && (trouble || signedOut);
    host.classList.toggle("trouble", Boolean(waits || signedOut || !connected));
    host.replaceChildren(el("span", {}, sentence(model.saving)));
    if (!waits) return;
    host.append(
      el("button", { type: "button", onclick: () => model.sync?.queue.retry() }, "Save now"),
      el("button", { type: "button", class: "quiet", onclick: () => void model.takeBack(),
        title: "Show the cut as the service has it" }, "Take back"),
    );
  };
  for (const name of ["saving", "signed-out", "state"]) model.addEventListener(name, draw);
  draw();
}

/** @param {{count: number, trouble: string, connected: boolean, signedOut: boolean}} saving */
function sentence({ count, trouble, connected, signedOut }) {
  const edits = count === 1 ? "1 edit is" : `${count} edits are`;
  const waiting = count ? ` ${edits} not saved yet and will wait here.` : "";
  if (signedOut)
    return `This page is signed out: start speakerzoom review again in a terminal.${waiting}`;
  if (trouble && connected) return `${edits} not saved: ${trouble}`;
  if (!connected) return `The service is not running: start speakerzoom review again.${waiting}`;
  return count ? "Saving…" : "All edits saved";
}
