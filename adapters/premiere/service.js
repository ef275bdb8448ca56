/**
 * The service of speakerzoom, over HTTP on this machine.
 *
 * The address is 127.0.0.1 and never a name: macOS lets plain HTTP pass for the one and blocks it
 * for the other. The key is in a file that only the user can read, and changes whenever the service
 * starts; so it is read again where an answer fails. It is never shown or stored, and sent only to a
 * program that has shown that it knows it: another one may have the port of a service that has ended.
 *
 * @typedef {{port: number, bearer: string}} Key
 * @typedef {object} JobRow
 * @property {string} id
 * @property {"waiting" | "running" | "done" | "failed" | "cancelled"} state
 * @property {string} label
 * @property {string} stage
 * @property {number} done
 * @property {number} total
 * @property {string | null} error
 */

const ADDRESS = "127.0.0.1";
/** Between two looks at a job. */
const POLL_MS = 1000;
const MAX_PORT = 65535;
const STARTING = "run `speakerzoom serve` in a terminal and leave it open";

const { challenge, proof } = require("./proof.js");

class ServiceError extends Error {}

/**
 * Return the key that the service's file contains, or null.
 * @param {string | null} text
 * @returns {Key | null}
 */
function keyFrom(text) {
  try {
    const { port, bearer } = JSON.parse(text || "");
    const isPort = Number.isInteger(port) && port > 0 && port <= MAX_PORT;
    return isPort && typeof bearer === "string" && bearer ? { port, bearer } : null;
  } catch (error) {
    return null;
  }
}

class Service {
  /**
   * @param {(url: string, options: any) => Promise<any>} fetch
   * @param {() => Promise<string | null>} readKey returns the content of the service's file
   * @param {(ms: number) => Promise<void>} sleep
   */
  constructor(fetch, readKey, sleep) {
    this.fetch = fetch;
    this.readKey = readKey;
    this.sleep = sleep;
    /** @type {Key | null} */
    this.key = null;
  }

  /** Find the service; ServiceError where it does not run. */
  async connect() {
    this.key = null;
    await this.request("GET", "/api/inbox");
  }

  /**
   * Open a recording; return the id of its source, and a path that opens its page once.
   * @param {string} path
   * @returns {Promise<{source: string, launch: string}>}
   */
  open(path) {
    return this.request("POST", "/api/inbox", { source: path });
  }

  /** @param {string} source @param {string} path @param {string} [method] @param {object} [body] */
  of(source, path, method = "GET", body) {
    return this.request(method, `/s/${source}/api/${path}`, body);
  }

  /**
   * Start a job and wait for its end; return its row.
   * @param {string} source
   * @param {object} task
   * @param {(row: JobRow) => void} onProgress called once a second
   * @param {() => boolean} isCancelled
   * @returns {Promise<JobRow>}
   */
  async run(source, task, onProgress, isCancelled) {
    const { id } = await this.of(source, "jobs", "POST", task);
    for (let cancels = false; ; ) {
      const { jobs } = await this.of(source, "jobs");
      const row = jobs.find((/** @type {JobRow} */ job) => job.id === id);
      if (!row) throw new ServiceError("the service has lost the job; start it again");
      if (row.state === "failed") throw new ServiceError(row.error || `${row.label} has failed`);
      if (row.state === "cancelled") throw new ServiceError("cancelled");
      if (row.state === "done") return row;
      onProgress(row);
      if (isCancelled() && !cancels) {
        cancels = true;
        await this.of(source, `jobs/${id}`, "DELETE");
      }
      await this.sleep(POLL_MS);
    }
  }

  /**
   * Return the address of a path of the service.
   * @param {string} path
   */
  address(path) {
    return `http://${ADDRESS}:${this.key ? this.key.port : 0}${path}`;
  }

  /**
   * Send a request; where nobody answers, or the key is old, once more with the key read again.
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<any>}
   */
  async request(method, path, body) {
    const earlier = this.key;
    const first = earlier ? await this.send(earlier, method, path, body) : null;
    if (first && first.status !== 0 && first.status !== 401) return content(first);
    this.key = keyFrom(await this.readKey());
    if (!this.key) throw new ServiceError(`the service is not running: ${STARTING}`);
    const isNew = !earlier || earlier.port !== this.key.port || earlier.bearer !== this.key.bearer;
    const answer = isNew || !first ? await this.send(this.key, method, path, body) : first;
    if (answer.status === 0) {
      throw new ServiceError(`nobody answers on ${ADDRESS}:${this.key.port}: ${STARTING}`);
    }
    if (answer.status === 401) {
      throw new ServiceError(`the program on ${ADDRESS}:${this.key.port} does not know this key: ` +
        "choose the folder again, or paste the file's content as it is now");
    }
    return content(answer);
  }

  /**
   * Send a request to whoever knows the key.
   * @param {Key} key @param {string} method @param {string} path @param {object} [body]
   * @returns {Promise<{status: number, text: string}>} status 0 where nobody answers, and 401 where
   *   somebody does who does not know the key
   */
  async send(key, method, path, body) {
    const text = challenge();
    const answer = await this.exchange(key.port, `/service?challenge=${text}`, { method: "GET" });
    if (answer.status === 0) return answer;
    if (!answer.text.includes(`"${proof(key.bearer, text)}"`)) return { status: 401, text: "" };
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${key.bearer}` };
    if (body) headers["Content-Type"] = "application/json";
    return this.exchange(key.port, path, { method, headers, body: body && JSON.stringify(body) });
  }

  /**
   * @param {number} port @param {string} path @param {any} options
   * @returns {Promise<{status: number, text: string}>} status 0 where nobody answers
   */
  async exchange(port, path, options) {
    try {
      const response = await this.fetch(`http://${ADDRESS}:${port}${path}`, options);
      return { status: response.status, text: await response.text() };
    } catch (error) {
      return { status: 0, text: "" };
    }
  }
}

/** @param {{status: number, text: string}} answer */
function content({ status, text }) {
  let value = null;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ServiceError(`the answer is not of speakerzoom (status ${status}): ${STARTING}`);
  }
  if (status >= 400) throw new ServiceError((value && value.error) || `refused (${status})`);
  return value;
}

module.exports = { Service, ServiceError, keyFrom };
