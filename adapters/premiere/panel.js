/** The panel's document: buttons, lists and messages around `flow.js`. */

const premiere = require("premierepro");
const uxp = require("uxp");
const { CANVASES, Flow } = require("./flow.js");
const { Host } = require("./host.js");
const { Service, keyFrom } = require("./service.js");

const sleep = (/** @type {number} */ ms) => /** @type {Promise<void>} */ (
  new Promise((resolve) => setTimeout(resolve, ms)));
const host = new Host(premiere, uxp, window.localStorage, sleep);
/** What the user pasted: only as long as the panel is open. @type {string | null} */
let pasted = null;
const service = new Service(
  (url, options) => fetch(url, options), async () => pasted || host.readKeyFile(), sleep);
const flow = new Flow(host, service, showProgress);
/** @type {import("./flow.js").Recording | null} */
let recording = null;

/** @param {string} id @returns {any} */
function element(id) {
  return document.getElementById(id);
}

/** Show one of the sections; the answer is always there. @param {"connect" | "clip" | "work"} id */
function show(id) {
  for (const name of ["connect", "clip", "work"]) setVisible(name, name === id);
}

/** @param {string} id @param {boolean} isVisible by a class: UXP knows few attributes */
function setVisible(id, isVisible) {
  if (isVisible) element(id).classList.remove("away");
  else element(id).classList.add("away");
}

/** @param {string} stage @param {number} done @param {number} total */
function showProgress(stage, done, total) {
  element("stage").textContent = total ? `${stage}: ${done} of ${total}` : stage;
  element("done").style.width = total ? `${Math.round((100 * done) / total)}%` : "0";
}

/** @param {string} message @param {string[]} [notes] @param {boolean} [isFault] */
function say(message, notes = [], isFault = false) {
  element("message").textContent = message;
  element("message").className = isFault ? "failed" : "";
  const list = element("notes");
  while (list.firstChild) list.removeChild(list.firstChild);
  for (const note of notes) {
    const item = document.createElement("li");
    item.textContent = note;
    list.appendChild(item);
  }
}

/** List -> the values of its rows; UXP may answer a row's text in place of an empty value.
 * @type {Map<string, string[]>} */
const values = new Map();

/** @param {string} id @param {string[][]} rows values and their names */
function fillList(id, rows) {
  const list = element(id);
  values.set(id, rows.map(([value]) => value));
  while (list.firstChild) list.removeChild(list.firstChild);
  for (const [value, name] of rows) {
    const option = document.createElement("option");
    option.value = value;
    option.textContent = name;
    list.appendChild(option);
  }
}

/** Return the value of the row that is chosen; the first one if none is. @param {string} id */
function valueOf(id) {
  const all = values.get(id) || [""];
  return all[Math.max(0, element(id).selectedIndex)] || "";
}

/**
 * Let a button do something, and say what came of it; errors become one line.
 * @param {string} id
 * @param {() => Promise<import("./flow.js").Answer | void>} act
 */
function on(id, act) {
  element(id).addEventListener("click", async () => {
    say("");
    try {
      const answer = await act();
      if (answer) say(answer.message, answer.notes);
    } catch (error) {
      const line = error instanceof Error ? error.message : String(error);
      flow.note(`error: ${line}`);
      say(line, [], true);
      show(service.key ? "clip" : "connect");
    }
    setVisible("save-report", flow.log.length > 0);
  });
}

on("choose-folder", async () => {
  pasted = null;
  if (!(await host.chooseFolder())) return;
  await flow.connect();
  show("clip");
});
on("use-key", async () => {
  const text = element("key").value;
  element("key").value = "";
  if (!keyFrom(text)) throw new Error("that is not the content of service.json");
  pasted = text;
  await flow.connect();
  show("clip");
});
on("import-file", () => flow.importByHand());
on("take-clip", async () => {
  recording = await flow.takeClip();
  element("clip-name").textContent = recording.clip.name;
  const current = recording.state.style ? `as last time (${recording.state.style.name})` : "standard";
  fillList("style", [["", current], ...recording.styles.map((name) => [name, name])]);
  fillList("canvas", CANVASES);
  setVisible("options", true);
});
on("cut", async () => {
  if (!recording) return undefined;
  show("work");
  const options = { style: valueOf("style"), canvas: valueOf("canvas") };
  const answer = await flow.cutAndImport(recording, options);
  show("clip");
  return answer;
});
on("review", async () => {
  if (recording) await flow.openPage(recording);
});
on("save-report", async () => {
  await host.saveReport(flow.report());
});
element("cancel").addEventListener("click", () => {
  flow.isCancelled = true;
});

flow.connect().then(() => show("clip"), () => show("connect"));
