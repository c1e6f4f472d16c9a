/** Questions whose answers are being made right now, by scope. In this process only, exact search. */
import type { ExactKey, Scope } from '../core/ids.ts';
import { dot, type UnitVector } from '../core/vector.ts';

export interface FlyingQuestion {
  /** Of the flight that brings its answer. */
  readonly key: ExactKey;
  readonly text: string;
  readonly vector: UnitVector;
  readonly context: UnitVector | undefined;
  readonly outputLimit: number | undefined;
}

export interface FlyingNeighbour {
  readonly question: FlyingQuestion;
  /** Cosine, [-1, 1]. */
  readonly similarity: number;
}

export interface InFlightLimits {
  /** In all scopes; further ones fly unseen. */
  readonly questionsMax: number;
  /** In one scope: each lookup compares with all of them. */
  readonly perScopeMax: number;
}

export const inFlightDefaults: InFlightLimits = {
  // As many as thinkers and their queue hold in a large installation.
  questionsMax: 1024,
  // 128 products of 384 numbers take about 0.1 ms.
  perScopeMax: 128,
};

export class InFlightIndex {
  readonly #limits: InFlightLimits;
  readonly #scopes = new Map<Scope, Set<FlyingQuestion>>();
  #size = 0;

  constructor(limits: InFlightLimits = inFlightDefaults) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns how to take it out again; idempotent. */
  add(scope: Scope, question: FlyingQuestion): () => void {
    const questions = this.#scopes.get(scope) ?? new Set();
    if (this.#size >= this.#limits.questionsMax || questions.size >= this.#limits.perScopeMax) return () => undefined;
    this.#scopes.set(scope, questions.add(question));
    this.#size += 1;
    return () => {
      if (!questions.delete(question)) return;
      this.#size -= 1;
      if (questions.size === 0) this.#scopes.delete(scope);
    };
  }

  /** At most `k`, most similar first, none below `similarityMin`. O(questions of the scope). */
  nearest(scope: Scope, vector: UnitVector, k: number, similarityMin: number): readonly FlyingNeighbour[] {
    const found: FlyingNeighbour[] = [];
    for (const question of this.#scopes.get(scope) ?? []) {
      const similarity = dot(vector, question.vector);
      if (similarity >= similarityMin) found.push({ question, similarity });
    }
    return found.sort((a, b) => b.similarity - a.similarity).slice(0, k);
  }
}
