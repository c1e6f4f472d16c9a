import { randomBytes } from 'node:crypto';

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

export const systemRandom: Random = {
  float: () => Math.random(),
  int: (maxExclusive) => Math.floor(Math.random() * maxExclusive),
  id: makeSystemId(),
};

/** Ids from a pool of random bytes, refilled in blocks: one system call serves many ids. */
function makeSystemId(): (length: number) => string {
  let pool = Buffer.alloc(0);
  let used = 0;
  return (length) => {
    let out = '';
    while (out.length < length) {
      if (used >= pool.length) {
        pool = randomBytes(4096);
        used = 0;
      }
      // 248 = 4 × 62: larger bytes would favour the first letters.
      const byte = pool[used++]!;
      if (byte < 248) out += alphabet[byte % 62];
    }
    return out;
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
