import type { CallOptions } from '../core/chat.ts';
import type { UnitVector } from '../core/vector.ts';

/** Port: text to unit vectors. Drivers in `embedding-model/`. */
export interface EmbeddingModel {
  /** Names the vector space: vectors of two ids are never compared. Carries a version where the weights or code decide the space. */
  readonly id: string;
  readonly kind: 'minilm' | 'endpoint' | 'lexical';
  readonly dimensions: number;
  /** Most texts in one `embed` call. */
  readonly maxBatch: number;
  /** Cosine at or above which the fixed-threshold policy may reuse an answer, in this space. */
  readonly similarityMin: number;
  /**
   * Whether the whole text counts. Texts longer than the model's window would all look alike past
   * the cut, so the semantic tier leaves them alone.
   */
  fits(text: string): boolean;
  /** @returns one vector per text, same order. @throws embedding_failed */
  embed(texts: readonly string[], options: CallOptions): Promise<readonly UnitVector[]>;
  close(): Promise<void>;
}
