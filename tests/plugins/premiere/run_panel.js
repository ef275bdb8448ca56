/**
 * Runs the panel's logic once against the fake Premiere, as a scenario in JSON says, and prints
 * what came of it as JSON. `node run_panel.js PANEL_FOLDER < scenario.json`.
 */

const { createHmac } = require("crypto");
const fs = require("fs");
const path = require("path");
const { Item, Media, Project, Sequence, fakePremiere } = require("./fake_premiere.js");

const panel = path.resolve(process.argv[2]);
const { Flow } = require(path.join(panel, "flow.js"));
const { Host } = require(path.join(panel, "host.js"));
const { Service } = require(path.join(panel, "service.js"));

const scenario = JSON.parse(fs.readFileSync(0, "utf8"));
const { plan, file, traps = {}, selection = "project" } = scenario;
const requests = [];

/** A service that answers from a table, with its own traps. */
function fakeFetch(url, { method, headers, body }) {
  const { trap } = scenario;
  const { pathname, searchParams, port } = new URL(url);
  if (pathname !== "/service") requests.push(`${method} ${url.replace(port, "PORT")}`);
  const answer = (value, status = 200) => Promise.resolve(
    { status, text: async () => (typeof value === "string" ? value : JSON.stringify(value)) });
  if (trap === "gone" || (trap === "gone later" && requests.length > 6)) return Promise.reject(new Error("connection refused"));
  if (trap === "stranger") return answer("<html>a router</html>", 200);
  const key = trap === "restart" && requests.length > 1 ? "key-3" : "key-2";
  if (pathname === "/service") {
    const secret = trap === "impostor" ? "guess" : key;
    const text = searchParams.get("challenge");
    return answer({ proof: createHmac("sha256", secret).update(text).digest("hex") });
  }
  if (headers.Authorization !== `Bearer ${key}`) {
    return answer({ error: "run review again" }, 401);
  }
  if (method === "POST" && headers["Content-Type"] !== "application/json") return answer({}, 415);
  if (pathname === "/api/inbox") {
    if (body) scenario.source = JSON.parse(body).source;
    return answer({ errands: [], source: "s1", launch: "/launch?secret=once&to=s1" });
  }
  const name = pathname.replace("/s/s1/api/", "");
  if (name === "state") return answer({ source: { size: plan.size, rate: plan.rate }, style: null });
  if (name === "style") return answer({ presets: { standard: {}, calm: {} } });
  if (method === "DELETE") { scenario.isDeleted = true; return answer({}); }
  if (method === "POST") {
    scenario.polls = 0;
    scenario.task = JSON.parse(body);
    return answer({ id: `job-${scenario.task.kind}` }, 202);
  }
  if (name === "jobs") {
    scenario.polls += 1;
    const states = { fails: "failed", endless: scenario.isDeleted ? "cancelled" : "running" };
    const state = states[trap] || (scenario.polls < 3 ? "running" : "done");
    const error = trap === "fails" ? "talk.mp4: no face was found" : null;
    const row = { id: `job-${scenario.task.kind}`, label: "work", stage: "find faces", done: 1 };
    return answer({ jobs: [{ ...row, total: 2, state, error }] });
  }
  return answer({ file, revision: "r", plan: trap === "version" ? { ...plan, format: 0 } : plan });
}

function select(project) {
  const media = (name, clip = `/film/${name}`) => new Media(project, name, clip, plan.duration);
  const talk = media("talk.mp4", scenario.clip);
  const bin = { name: "a bin" };
  const inSequence = () => {
    project.active = new Sequence(project, "mine", [1920, 1080]);
    const end = project.frames(plan.duration);
    project.active.tracks = [
      [new Item(project, talk, 0n, end, 0n)], [new Item(project, media("b.mp4"), end, end, 0n)],
    ];
    return project.active.tracks[0][0];
  };
  const choices = {
    project: () => { project.selected = [bin, talk]; },
    timeline: () => { project.active = null; const item = inSequence();
      project.active.selected = [item]; },
    playhead: inSequence,
    none: () => { project.selected = [bin]; },
    two: () => { project.selected = [talk, media("b.mp4")]; },
    offline: () => { project.selected = [Object.assign(talk, { offline: true })]; },
    multicam: () => { project.selected = [Object.assign(talk, { kind: "multicam" })]; },
    sequence: () => { project.selected = [Object.assign(talk, { kind: "sequence" })]; },
    marked: () => {
      project.selected = [talk];
      [talk.in, talk.out] = [project.frames(3), project.frames(9)];
    },
  };
  choices[selection]();
  return talk;
}

function outcome(parameter, item, project) {
  const value = (own) => (typeof own === "object" ? [own.x, own.y] : own);
  if (!parameter.varies) return value(parameter.value);
  return parameter.sorted().map(([ticks, key]) => (
    [Number((ticks - item.inPoint) / project.ticksPerFrame), value(key.value), key.mode]));
}

function sequences(project) {
  return project.sequences.map((sequence) => ({
    name: sequence.name,
    size: sequence.size,
    markers: sequence.markers,
    tracks: sequence.tracks.map((items) => [...items].sort((a, b) => Number(a.start - b.start))
      .map((item) => ({
        start: Number(item.start / project.ticksPerFrame),
        end: Number(item.end / project.ticksPerFrame),
        begin: Number((item.inPoint - item.media.begin) / project.ticksPerFrame),
        disabled: item.disabled,
        position: outcome(item.motion[0], item, project),
        scale: outcome(item.motion[1], item, project),
        uniform: item.motion[3].value,
        rotation: item.motion[4].value,
      }))),
  }));
}

async function main() {
  const project = new Project(plan, traps);
  const talk = select(project);
  const opened = [];
  const files = scenario.keyFiles || ['{"port": 4000, "bearer": "key-2"}'];
  const entry = { read: async () => (files.length > 1 ? files.shift() : files[0]) };
  const uxp = {
    host: { name: "Premiere Pro", version: "26.3.0" },
    versions: { uxp: "8.2", plugin: "0.1.0" },
    shell: { openExternal: async (url) => { opened.push(url); return scenario.consent || ""; } },
    storage: { localFileSystem: {
      getFolder: async () => ({}),
      createPersistentToken: async () => "token",
      getEntryForPersistentToken: async () => ({ getEntry: async () => {
        if (files[0] === null) throw new Error("no such file");
        return entry;
      } }),
      getFileForOpening: async () => (scenario.chooses === false ? null : { nativePath: file }),
    } },
  };
  const memory = new Map();
  const storage = { getItem: (n) => memory.get(n) || null, setItem: (n, v) => memory.set(n, v) };
  const sleep = async () => { if (scenario.cancels) flow.isCancelled = true; };
  const pause = scenario.bearer ? (ms) => new Promise((done) => setTimeout(done, ms / 10)) : sleep;
  const host = new Host(fakePremiere(project), uxp, storage, pause);
  const readKey = () => host.readKeyFile();
  const service = new Service(scenario.bearer ? fetch : fakeFetch, readKey, pause);
  const progress = [];
  const flow = new Flow(host, service, (...row) => {
    progress.push(row);
    if (row[0] === scenario.cancelsAt) flow.isCancelled = true;
  });
  const steps = {
    deliver: async () => {
      await host.chooseFolder();
      await flow.connect();
      const recording = await flow.takeClip();
      return flow.cutAndImport(recording, scenario.options || { style: "", canvas: "" });
    },
    page: async () => {
      await host.chooseFolder();
      await flow.openPage(await flow.takeClip());
      return { message: "opened", notes: [] };
    },
    byHand: () => flow.importByHand(),
    connect: async () => {
      if (scenario.hasFolder !== false) await host.chooseFolder();
      await flow.connect();
      return { message: "connected", notes: [] };
    },
  };
  const result = { answer: null, error: null };
  try {
    result.answer = await steps[scenario.step || "deliver"]();
  } catch (error) {
    result.error = { kind: error.constructor.name, message: error.message };
  }
  Object.assign(result, {
    opened, progress, requests, source: scenario.source, memory: [...memory], labels: project.labels,
    deleted: project.deleted, sequences: sequences(project), report: flow.report(),
    marks: [talk.in, talk.out].map((ticks) => Number(ticks / project.ticksPerFrame)),
  });
  process.stdout.write(JSON.stringify(result));
}

main();
