/**
 * The records that pass between the page and the service, for the type checker and for readers.
 * Frames are whole frames of the source; a range is from `start` up to, not including, `end`.
 *
 * @typedef {[number, number, number, number]} Box left, top, right, bottom in source pixels
 * @typedef {{why: string, others: number[]}} Doubt
 * @typedef {object} Shot
 * @property {number} start
 * @property {number} end
 * @property {number[]} subjects ids of people; none for the wide
 * @property {Box} crop
 * @property {[number, number, number, number, number][]} keys frame and crop of a moving crop
 * @property {{layout: string, crop: number[]}} [two_up] the right or lower half; `crop` is the other
 * @property {string} reason
 * @property {number} confidence 0 to 1
 * @property {boolean} locked
 * @property {boolean} crop_locked
 * @property {Doubt | null} doubt
 *
 * @typedef {object} Person
 * @property {number} id
 * @property {string} name
 * @property {string} label the name, or "Person 3" where there is none
 * @property {boolean} ignore
 * @property {boolean} prefer
 * @property {number} seen_seconds
 * @property {number} heard_seconds
 * @property {number} shown_seconds
 * @property {string} picture
 *
 * @typedef {{start: number, end: number, subjects: number[]}} ShotReference
 * @typedef {object} Operation
 * @property {string} name
 * @property {ShotReference} [shot]
 * @property {number[]} [subjects]
 * @property {number} [frame]
 * @property {number | string} [to]
 * @property {number[]} [crop]
 * @property {number} [person]
 * @property {number} [into]
 * @property {boolean} [value]
 * @property {string | null} [style]
 * @property {Record<string, number | string | null>} [values]
 *
 * @typedef {object} Job
 * @property {string} id
 * @property {string} kind
 * @property {string} label
 * @property {"waiting" | "running" | "done" | "failed" | "cancelled"} state
 * @property {string} stage
 * @property {number} done
 * @property {number} total
 * @property {{media: string, name: string} | null} result
 * @property {string | null} error
 *
 * @typedef {{shots: Shot[], people: Person[], size: [number, number]}} Cut
 * @typedef {Record<string, any>} State answer of /api/state
 */
export {};
