import type { CallOptions } from '../../core/chat.ts';
import type { EmbeddingModel } from '../embedding-model.ts';
import { AppError } from '../../core/errors.ts';
import { toUnitVector, type UnitVector } from '../../core/vector.ts';
import { foldText, type FoldedWord } from './lexical/fold.ts';

/** Same as all-MiniLM-L6-v2, so that an index sized for one holds the other. */
const dimensions = 384;

/**
 * Longest text, in characters; a character of a script without spaces counts as four. One other word among n
 * moves the cosine by about 1/n, so past some fifty words a changed word hides below any threshold.
 */
const fitsMax = 320;

/** Embedding is synchronous at some 20 µs a text: larger batches would hold up the event loop. */
const maxBatch = 32;

export interface LexicalWeights {
  /** Neighbouring words, relative to single words. */
  readonly bigram: number;
  /** Character trigrams of a word together, relative to the word: what typos and endings leave in common. */
  readonly grams: number;
}

const defaultWeights: LexicalWeights = { bigram: 0.35, grams: 0.6 };

/**
 * Measured with `scripts/embedder-threshold.ts` on 34,020 labelled pairs of real questions (near
 * duplicates and look-alikes, 37 % of them true): 0.95 reuses 6.6 % of the pairs and 82 % of those
 * rightly before any guard; 0.90 10.9 % and 74 %; 0.98 4.4 % and 87 %. In a stream of 5,001 questions,
 * nearest neighbour first, 0.95 gives 11.2 % hits, 4.1 % of them wrong by label; read one by one, most of those
 * wrong ones ask the same. Changed numbers, names, units and antonyms lie below it in nine of ten
 * constructed pairs; swapped order does not, which is for the guards.
 */
const defaultSimilarityMin = 0.95;

export interface LexicalEmbeddingOptions {
  /** Cosine in [-1, 1]. */
  readonly similarityMin?: number;
}

/**
 * Embedding without a model: weighted words, neighbouring words and character trigrams, hashed with
 * signs into 384 dimensions. It sees shared words, not meaning: rewordings that keep the content
 * words come close, synonyms do not. Needs no download and answers within the call.
 */
export function createLexicalEmbedding(options: LexicalEmbeddingOptions = {}): EmbeddingModel {
  return {
    id: 'lexical-v1',
    kind: 'lexical',
    dimensions,
    maxBatch,
    similarityMin: options.similarityMin ?? defaultSimilarityMin,
    fits,
    embed(texts: readonly string[], { signal }: CallOptions): Promise<readonly UnitVector[]> {
      if (signal.aborted) return Promise.reject(new AppError('embedding_failed', 'embedding was aborted'));
      if (texts.length > maxBatch) {
        return Promise.reject(
          new AppError('embedding_failed', `${texts.length} texts in one call; the most is ${maxBatch}: split them`),
        );
      }
      return Promise.resolve(texts.map((text) => lexicalVector(text)));
    },
    close: () => Promise.resolve(),
  };
}

const hasWord = /[\p{L}\p{N}\p{S}]/u;

function fits(text: string): boolean {
  if (text.length > fitsMax || !hasWord.test(text)) return false;
  let size = text.length;
  for (let at = 0; at < text.length && size <= fitsMax; at++) if (text.charCodeAt(at) >= 0x0e00) size += 3;
  return size <= fitsMax;
}

/** The vector of one text. Any text has one; a text without words gets a direction of its own. */
export function lexicalVector(text: string, weights: LexicalWeights = defaultWeights): UnitVector {
  const values = new Float32Array(dimensions);
  const words = foldText(text);
  if (words.length === 0) {
    spread(values, hashText(text, 0x5bd1e995), 1, 16);
    return toUnitVector(values);
  }
  let before: FoldedWord | undefined;
  let beforeHash = 0;
  for (const word of words) {
    const hash = hashText(word.text, 0x811c9dc5);
    // Four places a word: two words that share all of them, and would look the same, are one pair in 10^11.
    spread(values, hash, word.weight / 2, 4);
    if (!word.unspaced) addGrams(values, word, weights.grams);
    if (word.unspaced && before?.unspaced) spread(values, mix(beforeHash, hash), Math.SQRT1_2, 2);
    else if (before && !before.unspaced) {
      spread(values, mix(beforeHash, hash), weights.bigram * Math.sqrt(before.weight * word.weight * 0.5), 2);
    }
    before = word;
    beforeHash = hash;
  }
  return toUnitVector(values);
}

function addGrams(values: Float32Array, { text, weight }: FoldedWord, share: number): void {
  // Glue words are not misspelt in ways that matter, and digits are either equal or not.
  if (weight < 0.5 || text.length < 3 || text.charCodeAt(0) < 0x3a) return;
  const count = text.length;
  const each = (share * weight) / Math.sqrt(count);
  let first = 0x5e;
  let second = text.charCodeAt(0);
  for (let at = 1; at <= count; at++) {
    const third = at < count ? text.charCodeAt(at) : 0x24;
    const hash = finish(Math.imul(Math.imul(first, 0x9e3779b1) ^ second, 0x85ebca6b) ^ third);
    const place = (hash >>> 1) % dimensions;
    values[place]! += hash & 1 ? each : -each;
    first = second;
    second = third;
  }
}

/** Adds `weight` with random signs at `places` places. */
function spread(values: Float32Array, hash: number, weight: number, places: number): void {
  let state = hash;
  for (let n = 0; n < places; n++) {
    state = finish((state + 0x9e3779b9) | 0);
    values[(state >>> 1) % dimensions]! += state & 1 ? weight : -weight;
  }
}

/** FNV-1a over UTF-16 units, finished so that low bits are good. */
function hashText(text: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return finish(hash);
}

const mix = (a: number, b: number): number => finish(Math.imul(a, 0x9e3779b1) ^ b);

/** The final mix of MurmurHash3 (Austin Appleby, public domain). */
function finish(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
