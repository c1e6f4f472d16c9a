/** Stands between the cache and the embedder, so that a slow or dead embedder costs a miss and never a hang. */
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { UnitVector } from '../core/vector.ts';
import { withDeadline } from './deadline.ts';
import type { EmbeddingModel } from './embedding-model.ts';

export interface EmbedGateOptions {
  /** Distinct texts being embedded at a time, above which lookups are refused; writes have a bound of their own. */
  readonly inFlightMax: number;
  /** Vectors kept, so that an answer is stored with the vector its lookup computed. */
  readonly vectorsMax: number;
  /** Failures in a row that open the breaker. */
  readonly breakerFailures: number;
  /** First rest of the breaker; doubles with each failed probe, up to `breakerRestMaxMs`. */
  readonly breakerRestMs: number;
  readonly breakerRestMaxMs: number;
}

export const embedGateDefaults: EmbedGateOptions = {
  // Beyond this an embedder's queue alone would outlast the deadline of a lookup.
  inFlightMax: 64,
  // As many answers as may be running between lookup and store; 1.5 KiB each.
  vectorsMax: 1024,
  breakerFailures: 5,
  breakerRestMs: 1_000,
  breakerRestMaxMs: 60_000,
};

export interface EmbedGate {
  /** Vector of a text embedded a moment ago. */
  recent(text: string): UnitVector | undefined;
  /** Identical texts in flight share one call. @throws embedding_failed: failed, late, busy, or the breaker is open */
  embed(text: string, options: { readonly deadlineMs: number; readonly for: 'lookup' | 'write' }): Promise<UnitVector>;
  readonly breaker: 'closed' | 'open' | 'half-open';
}

export function createEmbedGate(embedding: EmbeddingModel, clock: Clock, options: EmbedGateOptions): EmbedGate {
  const vectors = new Map<string, UnitVector>();
  const inFlight = new Map<string, Promise<UnitVector>>();
  let failuresInRow = 0;
  let restMs = options.breakerRestMs;
  let openUntilMs = -Infinity;
  let probing = false;

  const isOpen = () => failuresInRow >= options.breakerFailures;
  const state = () => (!isOpen() ? 'closed' : clock.monotonicMs() < openUntilMs ? 'open' : 'half-open');

  return {
    get breaker() {
      return state();
    },

    recent: (text) => vectors.get(text),

    embed(text, { deadlineMs, for: purpose }) {
      const known = vectors.get(text);
      if (known !== undefined) return Promise.resolve(known);
      const shared = inFlight.get(text);
      if (shared !== undefined) return shared;
      const refusal = refusalNow(purpose);
      if (refusal !== undefined) return Promise.reject(new AppError('embedding_failed', refusal));
      const call = embedOnce(text, deadlineMs).finally(() => inFlight.delete(text));
      inFlight.set(text, call);
      return call;
    },
  };

  function refusalNow(purpose: 'lookup' | 'write'): string | undefined {
    if (purpose === 'lookup' && inFlight.size >= options.inFlightMax) {
      return `${inFlight.size} texts are being embedded, which is the most; this lookup counts as a miss`;
    }
    const now = state();
    if (now === 'open' || (now === 'half-open' && probing)) {
      const waitMs = Math.max(0, Math.ceil(openUntilMs - clock.monotonicMs()));
      return `the embedder failed ${failuresInRow} times in a row and rests for ${waitMs} ms more`;
    }
    return undefined;
  }

  async function embedOnce(text: string, deadlineMs: number): Promise<UnitVector> {
    const probe = isOpen();
    if (probe) probing = true;
    try {
      const [vector] = await withDeadline((signal) => embedding.embed([text], { signal }), {
        clock,
        ms: deadlineMs,
        expired: () => new AppError('embedding_failed', `the embedder gave no vector within ${deadlineMs} ms`),
      });
      if (vector === undefined || vector.length !== embedding.dimensions) {
        throw new AppError(
          'embedding_failed',
          `the embedder ${embedding.id} gave a vector of ${vector?.length ?? 0} numbers; expected ${embedding.dimensions}`,
        );
      }
      failuresInRow = 0;
      restMs = options.breakerRestMs;
      remember(text, vector);
      return vector;
    } catch (error) {
      failuresInRow += 1;
      if (isOpen()) {
        openUntilMs = clock.monotonicMs() + restMs;
        restMs = Math.min(restMs * 2, options.breakerRestMaxMs);
      }
      throw error instanceof AppError
        ? error
        : new AppError('embedding_failed', `the embedder ${embedding.id} failed`, { cause: error });
    } finally {
      if (probe) probing = false;
    }
  }

  function remember(text: string, vector: UnitVector): void {
    if (vectors.size >= options.vectorsMax) vectors.delete(vectors.keys().next().value!);
    vectors.set(text, vector);
  }
}
