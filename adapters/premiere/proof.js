/**
 * The answer to a challenge, by which the service shows that it knows the key before it is sent.
 *
 * HMAC with SHA-256 (RFC 2104, FIPS 180-4), because UXP has no `crypto.subtle`. For ASCII only: keys
 * and challenges are.
 */

const BLOCK = 64;
/** The words of SHA-256 are the fractional parts of roots of the first primes. */
const PRIMES = firstPrimes(64);
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const ROUNDS = PRIMES.map((prime) => fraction(Math.cbrt(prime)));

/**
 * Return the HMAC of a text, as hexadecimal digits.
 * @param {string} key
 * @param {string} text
 */
function proof(key, text) {
  const bytes = bytesOf(key);
  const block = bytes.length > BLOCK ? sha256(bytes) : bytes;
  const padded = [...block, ...new Array(BLOCK - block.length).fill(0)];
  const inner = sha256([...padded.map((byte) => byte ^ 0x36), ...bytesOf(text)]);
  const outer = sha256([...padded.map((byte) => byte ^ 0x5c), ...inner]);
  return outer.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Return a challenge that was never used before. */
function challenge() {
  const digits = () => Math.random().toString(16).slice(2);
  return `${Date.now().toString(16)}${digits()}${digits()}`;
}

/** @param {string} text @returns {number[]} */
function bytesOf(text) {
  return Array.from(text, (character) => character.charCodeAt(0) & 0xff);
}

/** @param {number[]} bytes @returns {number[]} */
function sha256(bytes) {
  const length = bytes.length * 8;
  const filler = (BLOCK + BLOCK - 9 - (bytes.length % BLOCK)) % BLOCK;
  const tail = [24, 16, 8, 0].map((shift) => (length >>> shift) & 0xff);
  const all = [...bytes, 0x80, ...new Array(filler).fill(0), 0, 0, 0, 0, ...tail];
  let state = START;
  for (let at = 0; at < all.length; at += BLOCK) state = compress(state, all.slice(at, at + BLOCK));
  return state.flatMap((word) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff));
}

/** @param {number[]} state @param {number[]} block @returns {number[]} */
function compress(state, block) {
  const w = schedule(block);
  let [a, b, c, d, e, f, g, h] = state;
  for (let n = 0; n < 64; n += 1) {
    const mixed = (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g));
    const first = (h + mixed + ROUNDS[n] + w[n]) | 0;
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const second = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  return [a, b, c, d, e, f, g, h].map((word, n) => (word + state[n]) | 0);
}

/** @param {number[]} block @returns {number[]} */
function schedule(block) {
  /** @type {number[]} */
  const w = [];
  for (let n = 0; n < 16; n += 1) {
    const [a, b, c, d] = block.slice(4 * n, 4 * n + 4);
    w.push((a << 24) | (b << 16) | (c << 8) | d);
  }
  for (let n = 16; n < 64; n += 1) {
    const [x, y] = [w[n - 15], w[n - 2]];
    const low = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const high = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w.push((w[n - 16] + low + w[n - 7] + high) | 0);
  }
  return w;
}

/** @param {number} word @param {number} bits */
function rotate(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

/** @param {number} value @returns {number} the first 32 bits after the point */
function fraction(value) {
  return ((value - Math.floor(value)) * 2 ** 32) | 0;
}

/** @param {number} number @returns {number[]} */
function firstPrimes(number) {
  /** @type {number[]} */
  const primes = [];
  for (let n = 2; primes.length < number; n += 1) {
    if (primes.every((prime) => n % prime)) primes.push(n);
  }
  return primes;
}

module.exports = { challenge, proof };
