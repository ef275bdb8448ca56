/**
 * Runs the panel's own document code with just enough of a document, and clicks through it.
 * `node run_document.js PANEL_FOLDER < scenario.json`; prints what is visible after each click.
 */

const { createHmac } = require("crypto");
const fs = require("fs");
const path = require("path");
const Module = require("module");
const { Media, Project, fakePremiere } = require("./fake_premiere.js");

const panel = path.resolve(process.argv[2]);
const { plan, file, clicks } = JSON.parse(fs.readFileSync(0, "utf8"));

class Element {
  constructor(id = "") {
    Object.assign(this, { id, children: [], style: {}, textContent: "", value: "", className: "" });
    this.selectedIndex = -1; // as where nothing is chosen
    const names = new Set();
    this.classList = {
      add: (name) => names.add(name), remove: (name) => names.delete(name),
      has: (name) => names.has(name),
    };
  }

  get firstChild() { return this.children[0] || null; }

  appendChild(child) { this.children.push(child); }

  removeChild(child) { this.children.splice(this.children.indexOf(child), 1); }

  addEventListener(name, listener) { this.listener = listener; }
}

const html = fs.readFileSync(path.join(panel, "index.html"), "utf8");
const elements = new Map();
for (const [tag, id] of html.matchAll(/<\w+ id="([\w-]+)"[^>]*>/g)) {
  const element = new Element(id);
  if (tag.includes('class="away"')) element.classList.add("away");
  elements.set(id, element);
}
const store = new Map();
const saved = [];
global.document = { getElementById: (id) => elements.get(id), createElement: () => new Element() };
global.window = { localStorage: {
  getItem: (name) => store.get(name) || null, setItem: (name, value) => store.set(name, value),
} };
const task = {};
global.fetch = async (url, { method, body }) => {
  const { pathname, searchParams } = new URL(url);
  if (pathname === "/service") {
    const text = searchParams.get("challenge");
    const proof = createHmac("sha256", "key-2").update(text).digest("hex");
    return { status: 200, text: async () => JSON.stringify({ proof }) };
  }
  const name = pathname.replace("/s/s1/api/", "");
  const answers = {
    "/api/inbox": { source: "s1", launch: "/launch?secret=once&to=s1" },
    state: { source: { size: plan.size, rate: plan.rate }, style: { name: "standard" } },
    style: { presets: { standard: {}, calm: {} } },
    jobs: method === "POST" ? { id: "j" } : { jobs: [{ id: "j", state: "done" }] },
  };
  if (name === "jobs" && body) Object.assign(task, JSON.parse(body));
  const answer = answers[name] || { file, plan };
  return { status: 200, text: async () => JSON.stringify(answer) };
};

const project = new Project(plan, { motion: "default" });
project.selected = [new Media(project, "talk.mp4", "/film/talk.mp4", plan.duration)];
const uxp = {
  host: { name: "Premiere Pro", version: "26.3.0" },
  shell: { openExternal: async () => "" },
  storage: { localFileSystem: {
    getFileForSaving: async () => ({ write: async (text) => saved.push(text) }),
  } },
};
const load = Module._load;
Module._load = (name, ...rest) => ({ premierepro: fakePremiere(project), uxp }[name]
  || load(name, ...rest));

const pause = () => new Promise((done) => setTimeout(done, 30));

async function main() {
  require(path.join(panel, "panel.js"));
  await pause();
  const views = [];
  const view = () => views.push({
    sections: ["connect", "clip", "work"].filter((id) => !elements.get(id).classList.has("away")),
    options: !elements.get("options").classList.has("away"),
    styles: elements.get("style").children.map((option) => option.textContent),
    message: elements.get("message").textContent,
    isFault: elements.get("message").className === "failed",
    key: elements.get("key").value,
  });
  view();
  for (const [id, typed] of clicks) {
    if (typed) elements.get("key").value = typed;
    await elements.get(id).listener();
    await pause();
    view();
  }
  process.stdout.write(JSON.stringify({ views, saved, task, store: [...store] }));
}

main();
