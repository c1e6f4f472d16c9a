/** Compares answers by their words, then by their vectors. Costs no thinker; what it cannot tell is unsure. */
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { dot } from '../../core/vector.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { AnswerComparator, ComparisonResult } from '../answer-comparator.ts';
import { withDeadline } from '../deadline.ts';
import type { EmbeddingModel } from '../embedding-model.ts';
import type { GuardName } from '../guard-name.ts';
import { guards } from '../hit-policy/guards/guards.ts';
import { featuresOf } from '../hit-policy/text/features.ts';
import { compareTexts } from './compare-texts.ts';

export interface CascadeDeps {
  readonly embedding: EmbeddingModel;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Two texts of a comparison; nobody waits for it. */
const embedDeadlineMs = 2_000;
/** Cosine of answers from which they say the same, if no guard objects. */
const sameMin = 0.95;
/**
 * Cosine up to which they say different things. Hashed words of two right answers may hardly overlap ("see a
 * doctor", "consult a physician": 0.19), so that only texts with next to no common word count as different.
 */
const differentMax: Readonly<Record<EmbeddingModel['kind'], number>> = { minilm: 0.5, endpoint: 0.5, lexical: 0.1 };
/** A cosine sees none of these; in long answers they object often, which costs a label and never a wrong one. */
const objecting: readonly GuardName[] = ['number', 'negation', 'antonym', 'entity', 'order'];

export function createCascade({ embedding, clock, logger }: CascadeDeps): AnswerComparator {
  return {
    id: 'cascade-1',
    async compare({ fresh, stored }, { signal }) {
      const byWords = compareTexts(fresh, stored);
      if (byWords !== undefined) return { verdict: byWords, by: 'rules' };
      if (!embedding.fits(fresh) || !embedding.fits(stored)) return unsure;
      const cosine = await cosineOf(fresh, stored, signal);
      if (cosine === undefined) return unsure;
      if (cosine <= differentMax[embedding.kind]) return { verdict: 'different', by: 'embedding' };
      if (cosine < sameMin) return unsure;
      const [a, b] = [featuresOf(fresh), featuresOf(stored)];
      return objecting.some((guard) => guards[guard](a, b)) ? unsure : { verdict: 'same', by: 'embedding' };
    },
  };

  async function cosineOf(a: string, b: string, signal: AbortSignal): Promise<number | undefined> {
    try {
      const [x, y] = await withDeadline((within) => embedding.embed([a, b], { signal: within }), {
        clock,
        ms: embedDeadlineMs,
        signal,
        expired: () => new AppError('embedding_failed', `no vectors of two answers within ${embedDeadlineMs} ms`),
      });
      return x === undefined || y === undefined ? undefined : dot(x, y);
    } catch (error) {
      if (signal.aborted) throw error;
      logger.debug({ err: error }, 'two answers could not be compared by their vectors');
      return undefined;
    }
  }
}

const unsure: ComparisonResult = { verdict: 'unsure', by: 'embedding' };
