import { randomFillSync } from 'node:crypto';

/** Chance is a dependency: production passes `systemRandom`, tests and simulations a seeded one. */
export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** Uniform integer in [0, maxExclusive). */
  int(maxExclusive: number): number;
  /** `length` characters of [0-9A-Za-z]. */
  id(length: number): string;
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Longest id; ours have 20 to 43 characters. */
const idMax = 256;

export const systemRandom: Random = {
  float: () => Math.random(),
  int: (maxExclusive) => Math.floor(Math.random() * maxExclusive),
  id: makeSystemId(),
};

/** Ids from a pool of random bytes, refilled in blocks: one system call serves many ids. */
function makeSystemId(): (length: number) => string {
  const pool = Buffer.alloc(4096);
  const codes = Uint8Array.from(alphabet, (letter) => letter.charCodeAt(0));
  // Written as bytes and read as one string: joining letters one by one costs ten times as much.
  const id = Buffer.alloc(idMax);
  let used = pool.length;
  return (length) => {
    if (length > idMax) throw new RangeError(`an id of ${length} characters; the most is ${idMax}`);
    let written = 0;
    while (written < length) {
      if (used >= pool.length) {
        randomFillSync(pool);
        used = 0;
      }
      // 248 = 4 × 62: larger bytes would favour the first letters.
      const byte = pool[used++]!;
      if (byte < 248) id[written++] = codes[byte % 62]!;
    }
    return id.toString('latin1', 0, length);
  };
}

/** Mulberry32: small, fast, the same on every machine. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const float = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (maxExclusive: number) => Math.floor(float() * maxExclusive);
  return { float, int, id: (length) => Array.from({ length }, () => alphabet[int(62)]).join('') };
}
