/** The words of a transcript that lies beside the source. */

import { getJson } from "./api.js";

/**
 * Read the words; none, and a notice, where they cannot be read.
 * @param {any} model
 * @returns {Promise<{start: number, end: number, text: string}[]>} in order, in frames
 */
export async function fetchWords(model) {
  try {
    return (await getJson("api/words")).words;
  } catch (error) {
    model.notify(`The words could not be read: ${error.message}`);
    return [];
  }
}
