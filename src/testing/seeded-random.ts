import { seededRandom, type Random } from '../core/random.ts';

/** A random source for one test; the seed is printed, and `SEED=…` replays it. */
export function testRandom(label: string): Random & { readonly seed: number } {
  const seed = process.env['SEED'] === undefined ? Date.now() % 1_000_000 : Number(process.env['SEED']);
  console.log(`${label}: SEED=${seed}`);
  return { ...seededRandom(seed), seed };
}
