/** Streams to replay, and everything about them that no policy changes. */
import { existsSync } from 'node:fs';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Random } from '../../src/core/random.ts';
import type { UnitVector } from '../../src/core/vector.ts';
import type { NamedEmbedder } from './embedders.ts';

export interface Query {
  readonly text: string;
  /** Two queries of one group have the same answer. */
  readonly group: string;
}

export interface Neighbours {
  /** Of each text: others at or above the floor, most similar first. */
  readonly ids: readonly Int32Array[];
  readonly similarities: readonly Float32Array[];
}

export interface Stream {
  readonly name: string;
  readonly queries: readonly Query[];
}

export function readStreams(folder: string, names: readonly string[]): Stream[] {
  return names.flatMap((name) => {
    const path = join(folder, `stream-${name}.jsonl.gz`);
    if (!existsSync(path)) return [];
    return [{ name, queries: readJsonLines<Query>(path) }];
  });
}

export function readJsonLines<T>(path: string): T[] {
  return gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

/** All pairs once: every replay of the stream then only looks up which of them are cached. */
export async function neighboursOf(stream: Stream, embedder: NamedEmbedder, floor: number): Promise<Neighbours> {
  const vectors = await embedder.embedAll(stream.queries.map(({ text }) => text));
  const count = vectors.length;
  const found: { j: number; s: number }[][] = Array.from({ length: count }, () => []);
  for (let i = 0; i < count; i++) {
    const vector = vectors[i]!;
    for (let j = 0; j < i; j++) {
      const s = dot4(vector, vectors[j]!);
      if (s < floor) continue;
      found[i]!.push({ j, s });
      found[j]!.push({ j: i, s });
    }
  }
  for (const each of found) each.sort((a, b) => b.s - a.s || a.j - b.j);
  return {
    ids: found.map((each) => Int32Array.from(each, ({ j }) => j)),
    similarities: found.map((each) => Float32Array.from(each, ({ s }) => s)),
  };
}

/** Four sums at once: the processor need not wait for each addition. */
function dot4(a: UnitVector, b: UnitVector): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < a.length; i += 4) {
    s0 += a[i]! * b[i]!;
    s1 += a[i + 1]! * b[i + 1]!;
    s2 += a[i + 2]! * b[i + 2]!;
    s3 += a[i + 3]! * b[i + 3]!;
  }
  return s0 + s1 + s2 + s3;
}

/** Order of one shuffle; shuffle 0 is the order of the file. */
export function orderOf(count: number, shuffle: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  if (shuffle === 0) return order;
  for (let i = count - 1; i > 0; i--) {
    const j = random.int(i + 1);
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
