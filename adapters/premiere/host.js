/**
 * Everything that the panel asks of Premiere and UXP, apart from what happens inside a sequence
 * (`host_sequence.js`). Only these two modules call the host, so that a fake can stand in for it.
 *
 * @typedef {import("@adobe/premierepro").premierepro} Premiere
 * @typedef {import("@adobe/premierepro").Project} Project
 * @typedef {import("@adobe/premierepro").ProjectItem} ProjectItem
 * @typedef {import("@adobe/premierepro").ClipProjectItem} ClipProjectItem
 * @typedef {import("@adobe/premierepro").Sequence} Sequence
 * @typedef {{item: ClipProjectItem, path: string, name: string}} Clip
 */

/** How long an import may go on after the call has returned: it is not done then in every case. */
const MAX_IMPORT_MS = 20000;
const POLL_MS = 250;
const KEY_FILE = "service.json";
/** Where UXP's own token of the folder is remembered. It opens the folder, and holds no key. */
const FOLDER = "speakerzoom.folder";

/** What Premiere on Windows may put before a path; the same file has no other name. */
const LONG_PATH = /^\\\\\?\\(?=[A-Za-z]:)/;

class HostError extends Error {}

class Host {
  /**
   * @param {Premiere} premiere
   * @param {any} uxp
   * @param {{getItem(name: string): string | null, setItem(name: string, value: string): void}}
   *   memory
   * @param {(ms: number) => Promise<void>} sleep
   */
  constructor(premiere, uxp, memory, sleep) {
    this.premiere = premiere;
    this.uxp = uxp;
    this.memory = memory;
    this.sleep = sleep;
  }

  /** Return versions for a report: of Premiere, of UXP and of the panel. */
  versions() {
    const { host = {}, versions = {} } = this.uxp;
    return `${host.name} ${host.version}, UXP ${versions.uxp}, panel ${versions.plugin}`;
  }

  /** @returns {Promise<Project>} */
  async project() {
    const project = await this.premiere.Project.getActiveProject();
    if (!project) throw new HostError("no project is open in Premiere; open one first");
    return project;
  }

  /**
   * Return the clip that the user means: selected in the project panel, else in the sequence, else
   * the topmost one under the playhead.
   * @returns {Promise<Clip>}
   */
  async selectedClip() {
    const project = await this.project();
    let clips = await this.clips(await this.itemsInProjectPanel(project));
    if (!clips.length) clips = await this.clips(await this.itemsInSequence(project));
    const paths = new Set(clips.map((clip) => clip.path));
    if (!clips.length) {
      throw new HostError("select a recording in the project panel or in a sequence first");
    }
    if (paths.size > 1) throw new HostError(`${paths.size} recordings are selected; select one`);
    return clips[0];
  }

  /** @param {Project} project @returns {Promise<ProjectItem[]>} */
  async itemsInProjectPanel(project) {
    try {
      const selection = await this.premiere.ProjectUtils.getSelection(project);
      return selection ? await selection.getItems() : [];
    } catch (error) {
      return []; // the panel may be closed
    }
  }

  /** @param {Project} project @returns {Promise<ProjectItem[]>} */
  async itemsInSequence(project) {
    const sequence = await project.getActiveSequence();
    if (!sequence) return [];
    const selection = await sequence.getSelection();
    const items = selection ? await selection.getTrackItems() : [];
    if (items.length) return Promise.all(items.map((item) => item.getProjectItem()));
    const at = (await sequence.getPlayerPosition()).ticksNumber;
    for (let n = (await sequence.getVideoTrackCount()) - 1; n >= 0; n -= 1) {
      const track = await sequence.getVideoTrack(n);
      for (const item of track.getTrackItems(this.premiere.Constants.TrackItemType.CLIP, false)) {
        const [start, end] = [await item.getStartTime(), await item.getEndTime()];
        const isThere = start.ticksNumber <= at && at < end.ticksNumber;
        if (isThere && !(await item.isDisabled())) return [await item.getProjectItem()];
      }
    }
    return [];
  }

  /**
   * Return the recordings among project items; HostError for a clip that is none.
   * @param {ProjectItem[]} items
   * @returns {Promise<Clip[]>}
   */
  async clips(items) {
    const clips = [];
    for (const item of items.filter(Boolean)) {
      const clip = this.castClip(item);
      if (!clip || (await clip.isSequence())) continue;
      if ((await clip.isMulticamClip()) || (await clip.isMergedClip())) {
        throw new HostError(`${clip.name} is a multicam or merged clip; select the recording`);
      }
      if (await clip.isOffline()) {
        throw new HostError(`${clip.name} is offline; link it to its file first`);
      }
      const path = await clip.getMediaFilePath();
      if (!path) throw new HostError(`${clip.name} has no file; select a recording`);
      clips.push({ item: clip, path: path.replace(LONG_PATH, ""), name: clip.name });
    }
    return clips;
  }

  /** Return an item as a clip, or null for a bin. @param {ProjectItem} item */
  castClip(item) {
    try {
      return this.premiere.ClipProjectItem.cast(item) || null;
    } catch (error) {
      return null;
    }
  }

  /**
   * Import a timeline; return the sequences that it brought, none if Premiere made none of it.
   * @param {Project} project
   * @param {string} path
   * @returns {Promise<Sequence[]>}
   */
  async importFile(project, path) {
    const before = new Set((await project.getSequences()).map((s) => s.guid.toString()));
    const bin = await project.getInsertionBin();
    await project.importFiles([path], true, bin, false); // may answer nothing, and go on
    for (let waited = 0, number = 0; ; waited += POLL_MS) {
      const all = await project.getSequences();
      const added = all.filter((sequence) => !before.has(sequence.guid.toString()));
      const isComplete = added.length > 0 && added.length === number;
      if (isComplete || waited >= MAX_IMPORT_MS) return added;
      number = added.length;
      await this.sleep(POLL_MS);
    }
  }

  /** Show a sequence. @param {Project} project @param {Sequence} sequence */
  async show(project, sequence) {
    await project.openSequence(sequence);
  }

  /** Let the user choose a timeline; return its path, "" if none. */
  async chooseTimeline() {
    const files = this.uxp.storage.localFileSystem;
    const file = await files.getFileForOpening({ types: ["xml"] });
    return file ? file.nativePath : "";
  }

  /** Let the user choose the service's folder, once; return whether one was chosen. */
  async chooseFolder() {
    const files = this.uxp.storage.localFileSystem;
    const folder = await files.getFolder();
    if (!folder) return false;
    this.memory.setItem(FOLDER, await files.createPersistentToken(folder));
    return true;
  }

  /** Return what the service's file contains now; null where there is none, or no folder yet. */
  async readKeyFile() {
    const token = this.memory.getItem(FOLDER);
    if (!token) return null;
    try {
      const files = this.uxp.storage.localFileSystem;
      const folder = await files.getEntryForPersistentToken(token);
      return await (await folder.getEntry(KEY_FILE)).read();
    } catch (error) {
      return null; // the service has ended, or the folder is gone
    }
  }

  /** Open a page in the user's browser, which Premiere asks about. @param {string} url */
  async openPage(url) {
    const why = "SpeakerZoom opens the page on which you see and change the cut.";
    const fault = await this.uxp.shell.openExternal(url, why);
    if (fault) throw new HostError(`the page was not opened (${fault})`);
  }

  /** Let the user save a report; return whether it was. @param {string} text */
  async saveReport(text) {
    const files = this.uxp.storage.localFileSystem;
    const file = await files.getFileForSaving("premiere-report.txt", { types: ["txt"] });
    if (!file) return false;
    await file.write(text);
    return true;
  }
}

module.exports = { Host, HostError };
