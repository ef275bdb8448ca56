/** Chooses what the video element plays: the source, or its proxy where the browser needs it. */

import { getBytes } from "./api.js";

/**
 * Load the source of `state` into `video`, or its proxy where only that plays.
 * @param {HTMLVideoElement} video
 * @param {any} state as from /api/state
 * @returns {Promise<{usesProxy: boolean, times: Float64Array|null, why: string}>} `why` says why
 *   neither plays, else it is empty; `times` are the times of all frames where the rate varies
 */
export async function openMedia(video, state) {
  const { source, proxy } = state;
  let why = "";
  if (source.codec && !video.canPlayType(source.codec)) {
    why = `This browser does not play ${source.name} (${source.codec}).`;
  } else {
    why = await load(video, source.media, source.name);
  }
  if (!why) {
    const times = source.variable_rate ? await fetchTimes() : null;
    return { usesProxy: false, times, why };
  }
  if (!proxy) return { usesProxy: false, times: null, why };
  return { usesProxy: true, times: null, why: await load(video, proxy.media, "the proxy") };
}

/** Load a file; return why the browser does not play it, else an empty string. */
function load(video, url, name) {
  return new Promise((resolve) => {
    const finish = (why) => {
      video.removeEventListener("loadeddata", onData);
      video.removeEventListener("error", onError);
      resolve(why);
    };
    // a browser may play the sound of a file whose pictures it cannot decode
    const onData = () => finish(video.videoWidth ? "" : `This browser shows no picture of ${name}.`);
    const onError = () => finish(`This browser does not play ${name}: ${reason(video.error)}.`);
    video.addEventListener("loadeddata", onData);
    video.addEventListener("error", onError);
    video.src = url;
    video.load();
  });
}

/** @param {MediaError|null} error */
function reason(error) {
  if (error?.code === MediaError.MEDIA_ERR_NETWORK) return "it could not be read";
  if (error?.code === MediaError.MEDIA_ERR_DECODE) return "it could not be decoded";
  return "its format is not supported";
}

/** Seconds of every frame, where the rate varies. */
async function fetchTimes() {
  const bytes = await getBytes("api/times");
  return bytes ? new Float64Array(bytes) : null; // little endian, as all that browsers run on
}
