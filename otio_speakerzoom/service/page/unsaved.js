/**
 * Edits that wait, in the storage of the browser: they outlive a reload and a closed tab.
 *
 * Each tab has a key of its own, and a lock of that name for as long as it lives. What a tab left
 * that is gone, the next one takes over.
 */

/** Time for the page before a reload to let go of its lock, in ms. */
const HANDOVER = 500;

export class UnsavedEdits {
  /** @param {string} source the page's path, which differs for each source */
  constructor(source) {
    this.prefix = `speakerzoom.unsaved.${source}.`;
    this.key = "";
  }

  /**
   * Take over what earlier pages left.
   * @returns {Promise<any[]>}
   */
  async open() {
    let tab = sessionStorage.getItem("speakerzoom.tab");
    if (!tab || !(await hold(this.prefix + tab))) {
      tab = crypto.randomUUID();
      await hold(this.prefix + tab);
      sessionStorage.setItem("speakerzoom.tab", tab);
    }
    this.key = this.prefix + tab;
    const edits = read(this.key);
    for (const key of Object.keys(localStorage)) {
      if (key === this.key || !key.startsWith(this.prefix) || !(await hold(key, 0))) continue;
      edits.push(...read(key));
      localStorage.removeItem(key);
    }
    this.save(edits);
    return edits;
  }

  /** @param {any[]} edits */
  save(edits) {
    try {
      if (edits.length) localStorage.setItem(this.key, JSON.stringify(edits));
      else localStorage.removeItem(this.key);
    } catch {
      // the storage is full: the edits are still in this page
    }
  }
}

/**
 * Hold a lock until the page closes; false if another page has it.
 * @param {string} name
 * @param {number} [wait] for the other page to close, in ms
 * @returns {Promise<boolean>}
 */
function hold(name, wait = HANDOVER) {
  return new Promise((resolve) => {
    const options = wait ? { signal: AbortSignal.timeout(wait) } : { ifAvailable: true };
    navigator.locks.request(name, options, (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {});
    }).catch(() => resolve(false));
  });
}

/**
 * @param {string} key
 * @returns {any[]}
 */
function read(key) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "[]");
  } catch {
    return [];
  }
}
