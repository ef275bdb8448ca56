/** The service as functions: one request each, errors as `ApiError`, and the stream of events. */

/** What the service answered instead of a result. `status` is 0 if it did not answer at all. */
export class ApiError extends Error {
  /**
   * @param {number} status HTTP status
   * @param {string} message one line for the editor
   * @param {any} body the answer's JSON, if it had one
   */
  constructor(status, message, body = null) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<Response>} only answers of success
 */
async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch (fault) {
    if (fault instanceof DOMException && fault.name === "AbortError") throw fault;
    throw new ApiError(0, "The service does not answer.");
  }
  if (response.ok) return response;
  let body = null;
  try {
    body = await response.json();
  } catch {
    // not from our service, or cut off: the status says enough
  }
  const message = body?.error ?? `The service answered ${response.status}.`;
  throw new ApiError(response.status, message, body);
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function getJson(path, signal) {
  return (await request(path, { signal })).json();
}

/**
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<ArrayBuffer | null>} null where the service has nothing of that name
 */
export async function getBytes(path, signal) {
  try {
    return await (await request(path, { signal })).arrayBuffer();
  } catch (fault) {
    if (fault instanceof ApiError && fault.status === 404) return null;
    throw fault;
  }
}

/**
 * Send JSON and return the answer's.
 * @param {"POST" | "PATCH" | "DELETE"} method
 * @param {string} path
 * @param {unknown} body
 * @param {{revision?: string, signal?: AbortSignal}} [options] `revision` goes into If-Match
 * @returns {Promise<any>}
 */
export async function send(method, path, body = {}, { revision, signal } = {}) {
  /** @type {Record<string, string>} */
  const headers = { "Content-Type": "application/json" };
  if (revision !== undefined) headers["If-Match"] = `"${revision}"`;
  const response = await request(path, { method, headers, body: JSON.stringify(body), signal });
  try {
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  } catch {
    throw new ApiError(0, "The service's answer was cut off.");
  }
}

/** Time between two tries to listen, in ms. */
const RECONNECT = 3000;

/**
 * Listen to the service, again and again where the line breaks.
 * @param {object} listener
 * @param {() => void} listener.visible the tab was hidden, and has missed what happened meanwhile
 * @param {(data: any) => void} listener.state
 * @param {(data: any) => void} listener.job
 * @param {(yes: boolean) => void} listener.connected
 */
export function listen(listener) {
  /** @type {EventSource | null} */
  let events = null;
  const open = () => {
    events = new EventSource("api/events");
    events.addEventListener("state", (event) => listener.state(JSON.parse(event.data)));
    events.addEventListener("job", (event) => listener.job(JSON.parse(event.data)));
    events.addEventListener("open", () => listener.connected(true));
    events.addEventListener("error", onError);
  };
  const onError = () => {
    listener.connected(false);
    // the browser connects again by itself, but not after an answer such as 401
    if (events?.readyState !== EventSource.CLOSED) return;
    events = null;
    setTimeout(look, RECONNECT);
  };
  /** Listen while the tab is visible: a browser has six connections to a host for all its tabs. */
  const look = () => {
    if (document.hidden) {
      events?.close();
      events = null;
    } else if (!events) open();
  };
  document.addEventListener("visibilitychange", () => {
    look();
    if (!document.hidden) listener.visible();
  });
  look();
}
