/** Starts the page: the model first, then everything that shows it. */

import { ApiError } from "./api.js";
import { Help } from "./help.js";
import { listenToKeys } from "./keys.js";
import { showMediaNote } from "./media_note.js";
import { Model } from "./model.js";
import { showNotices, showSaving } from "./notices.js";
import { DoubtsPanel } from "./panel_doubts.js";
import { FilesPanel } from "./panel_files.js";
import { PeoplePanel } from "./panel_people.js";
import { StylePanel } from "./panel_style.js";
import { Pictures } from "./pictures.js";
import { Player } from "./player.js";
import { setting } from "./settings.js";
import { Side } from "./side.js";
import { makeSplit } from "./split.js";
import { FrameClock } from "./time.js";
import { Timeline } from "./timeline.js";
import { Transport } from "./transport.js";
import { waitForCut, waitForSource } from "./welcome.js";

/** @param {string} id */
function host(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

async function start() {
  const model = new Model();
  try {
    await model.load();
  } catch (fault) {
    if (!(fault instanceof ApiError)) throw fault;
    const again = fault.status === 401 ? " Start speakerzoom review again in a terminal." : "";
    host("saving").textContent = fault.message + again;
    host("saving").classList.add("trouble");
    return;
  }
  if (!model.sync) {
    waitForSource(host("welcome"), model.state);
    return;
  }
  showSource(model);
  showNotices(host("notices"), model);
  showSaving(host("saving"), model);
  await waitForCut(host("welcome"), model);
  await showCut(model);
}

/** @param {Model} model */
function showSource(model) {
  const { source } = model.state;
  const clock = new FrameClock(source);
  model.label = (frame) => clock.label(frame);
  document.title = `${source.name} – SpeakerZoom`;
  host("title").textContent = source.name;
  const rate = (source.rate[0] / source.rate[1]).toFixed(3).replace(/\.?0+$/, "");
  host("facts").textContent =
    `${source.size.join(" × ")} · ${rate} frames a second · ${clock.label(source.duration)}`;
}

/** @param {Model} model */
async function showCut(model) {
  const { source, canvas } = model.state;
  const { style } = document.documentElement;
  style.setProperty("--source-aspect", String(source.size[0] / source.size[1]));
  style.setProperty("--canvas-aspect", String(canvas[0] / canvas[1]));
  model.open();
  makeSplit(host("split"), host("pictures"));
  const player = new Player(/** @type {HTMLVideoElement} */ (host("video")), model);
  const hosts = { source: host("source"), programme: host("programme") };
  const pictures = new Pictures(hosts, player, model);
  const timeline = new Timeline(host("timeline"), player, model);
  pictures.showBoxes = setting("boxes", true);
  player.video.muted = setting("muted", false);
  const side = new Side(host("tabs"));
  const help = new Help(/** @type {HTMLDialogElement} */ (host("help")), () => {
    side.draw();
    transport.build();
  });
  const page = { model, player, pictures, timeline, side, help };
  const transport = new Transport(host("transport"), page);
  new DoubtsPanel(host("doubts"), page);
  new PeoplePanel(host("people"), page);
  new StylePanel(host("style"), page);
  new FilesPanel(host("files"), page);
  host("help-button").addEventListener("click", () => help.toggle());
  host("help-button").hidden = false;
  showMediaNote(host("media-note"), host("banner"), page);
  listenToKeys(page);
  // keys that follow fast mean the frame that was asked for, whose picture may come later; and a
  // loop passes its cut again and again: its shot stays the one to change
  for (const name of ["seek", "frame"]) player.addEventListener(name, () => {
    if (!player.looping) model.select(model.shotAt(player.target), player.target);
  });
  await player.open();
  document.body.dataset.ready = "true";
}

start();
