/** Deterministic vectors in which texts that share words and letters lie close: hashed words and character n-grams. */
import { keywordsOf, hashText } from './words.ts';

/** Longer texts are embedded by their start, as a model with a short context does. */
const charsMax = 8_192;

/** Repeated texts are the rule in a benchmark; a few thousand vectors of 3 KB are a few MB. */
const cacheMax = 2_048;

export class Embedder {
  readonly #known = new Map<string, Float64Array>();

  /** Not normalised: its length grows with the text, as a pooled model's may. */
  embed(text: string, dimensions: number): Float64Array {
    const key = `${dimensions} ${text}`;
    const known = this.#known.get(key);
    if (known) return known;
    const vector = embedText(text, dimensions);
    if (this.#known.size >= cacheMax) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(key, vector);
    return vector;
  }
}

function embedText(text: string, dimensions: number): Float64Array {
  // A faint common part: no value is 0, so that the first few dimensions alone still have a direction.
  const vector = Float64Array.from({ length: dimensions }, (_, i) => 0.02 * Math.cos(i * 1.7));
  const flat = text.slice(0, charsMax).toLowerCase().replace(/\s+/g, ' ').trim();
  const words = flat.match(/[\p{L}\p{N}]+/gu) ?? [];
  const important = new Set(keywordsOf(flat));
  for (const word of words) add(vector, `w ${word}`, important.has(word) ? 2 : 0.5);
  for (const word of words) {
    const framed = `<${word}>`;
    const share = (important.has(word) ? 1 : 0.25) / Math.max(1, framed.length - 2);
    for (let i = 0; i + 3 <= framed.length; i++) add(vector, `n ${framed.slice(i, i + 3)}`, share * 2);
  }
  for (let i = 0; i + 1 < words.length; i++) add(vector, `b ${words[i]} ${words[i + 1]}`, 0.5);
  // A text without a word still has a direction.
  if (words.length === 0) add(vector, `t ${flat}`, 1);
  return vector;
}

/** Two places per feature, each with a sign, so that chance collisions cancel out on average. */
function add(vector: Float64Array, feature: string, weight: number): void {
  const first = hashText(feature);
  const second = hashText('again', first);
  vector[first % vector.length]! += first & 0x10000 ? weight : -weight;
  vector[second % vector.length]! += second & 0x10000 ? weight : -weight;
}

/** The first `dimensions` values scaled to length 1. */
export function normalised(vector: Float64Array, dimensions: number): number[] {
  const cut = vector.subarray(0, dimensions);
  let sum = 0;
  for (const value of cut) sum += value * value;
  const scale = 1 / Math.max(Math.sqrt(sum), 1e-12);
  return Array.from(cut, (value) => asFloat32(value * scale));
}

/** As many digits as a float32 has: what a server that computes in float32 prints. */
export const asFloat32 = (value: number): number => Math.round(value * 1e8) / 1e8;
