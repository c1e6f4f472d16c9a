import type { EmbeddingModel } from '../cache/embedding-model.ts';
import { toUnitVector, type UnitVector } from '../core/vector.ts';

/** Texts that share words come close: each word is a direction of its own, up to `dimensions` words. */
export class FakeEmbeddingModel implements EmbeddingModel {
  readonly kind = 'lexical';
  readonly dimensions = 64;
  readonly maxBatch = 8;
  readonly similarityMin = 0.8;
  readonly id: string;
  /** Texts of every call, in order. */
  readonly calls: (readonly string[])[] = [];
  fitsMax = 200;
  failure: Error | undefined;
  gate: Promise<void> | undefined;
  readonly #words = new Map<string, number>();

  constructor(id = 'fake-1') {
    this.id = id;
  }

  fits(text: string): boolean {
    return text.length <= this.fitsMax;
  }

  async embed(texts: readonly string[]): Promise<readonly UnitVector[]> {
    this.calls.push(texts);
    if (this.gate) await this.gate;
    if (this.failure) throw this.failure;
    return texts.map((text) => this.vector(text));
  }

  vector(text: string): UnitVector {
    const values = new Float32Array(this.dimensions);
    for (const word of text.toLowerCase().match(/\w+/g) ?? ['']) {
      const slot = this.#words.get(word) ?? this.#words.size % this.dimensions;
      this.#words.set(word, slot);
      values[slot]! += 1;
    }
    return toUnitVector(values);
  }

  async close(): Promise<void> {}
}
