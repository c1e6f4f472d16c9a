/** Seeded draws. Each machine and each rental has a stream of its own, so that what one does moves no other's chance. */
import { seededRandom, type Random } from '../../core/random.ts';

/** A stream that depends on the seed and on the names alone, not on what was drawn before. FNV-1a over the names. */
export function streamOf(seed: number, ...names: readonly (string | number)[]): Random {
  let hash = 0x811c9dc5 ^ seed;
  for (const letter of names.join('/')) hash = Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193) >>> 0;
  return seededRandom(hash);
}

export const between = (random: Random, least: number, most: number): number => least + random.float() * (most - least);

export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.float()));
  return radius * Math.cos(2 * Math.PI * random.float());
}

export const lognormal = (random: Random, median: number, sigma: number): number =>
  median * Math.exp(sigma * normal(random));

/** Time to the next event of a process with this mean. */
export const exponential = (random: Random, mean: number): number => -mean * Math.log(1 - random.float());

export function pick<T>(random: Random, choices: readonly { readonly value: T; readonly weight: number }[]): T {
  let left = random.float() * choices.reduce((sum, { weight }) => sum + weight, 0);
  for (const { value, weight } of choices) if ((left -= weight) < 0) return value;
  return choices.at(-1)!.value;
}
