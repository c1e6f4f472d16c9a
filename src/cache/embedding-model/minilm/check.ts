/** Whether loaded weights are what they say: hashes, dimensions, norm, and meaning on a few sentences of ours. */
import type { EmbeddingModel } from '../../embedding-model.ts';
import type { ReadyReport } from './protocol.ts';
import { AppError } from '../../../core/errors.ts';
import { dot } from '../../../core/vector.ts';
import { miniLmDimensions, precisionOf, tokenizerFile } from './known-files.ts';
import { WorkerLoadError } from './worker-host.ts';

type FileFacts = Pick<ReadyReport, 'dimensions' | 'modelSha256' | 'modelBytes' | 'tokenizerSha256'>;

/**
 * Refuses weights that nobody vouches for: a silently exchanged model gives plausible vectors and wrong hits.
 * @throws AppError embedding_failed
 */
export function checkFiles(facts: FileFacts, allowUnknown: boolean): void {
  if (allowUnknown) return;
  if (precisionOf(facts.modelSha256) === 'unknown') {
    throw refused(
      `the model file (${facts.modelBytes} bytes, sha256 ${facts.modelSha256}) is not a published file of ` +
        'all-MiniLM-L6-v2; run `llm-self-host embedder fetch`, or allow unknown weights',
    );
  }
  if (facts.tokenizerSha256 !== tokenizerFile.sha256) {
    throw refused(
      `tokenizer.json has sha256 ${facts.tokenizerSha256}, expected ${tokenizerFile.sha256}; ` +
        'run `llm-self-host embedder fetch`',
    );
  }
  if (facts.dimensions !== miniLmDimensions) {
    throw refused(`the model gives ${facts.dimensions} dimensions, expected ${miniLmDimensions}`);
  }
}

function refused(message: string): AppError {
  return new AppError('embedding_failed', message, { cause: new WorkerLoadError('model-refused', message) });
}

/** Same question, hardly a word in common. */
const paraphrases: readonly (readonly [string, string])[] = [
  ['How do I reset my password?', 'I forgot my login credentials and want to set new ones'],
  ['What will the weather be like tomorrow?', 'Tell me the forecast for the next day, please: rain or sun?'],
  ['How can I lose weight quickly?', 'What is the fastest method of shedding some kilos?'],
  ['The children are playing football in the park', 'Some kids kick a ball around on the grass outside'],
];

/** Nothing to do with each other. */
const unrelated: readonly (readonly [string, string])[] = [
  ['How do I reset my password?', 'The recipe needs two cups of flour and an egg'],
  ['What will the weather be like tomorrow?', 'Sort a linked list in C++'],
  ['How can I lose weight quickly?', 'The treaty was signed in Vienna after the war'],
  ['The children are playing football in the park', 'Interest rates on mortgages rose again'],
];

/** Weights that know English tell the two groups apart by 0.4 and more on average; random ones do not at all. */
const meanMarginMin = 0.2;

export interface MeaningReport {
  readonly paraphrases: readonly number[];
  readonly unrelated: readonly number[];
  /** Mean of the first less mean of the second. */
  readonly margin: number;
  /** Largest distance of a vector's norm from 1. */
  readonly normError: number;
  readonly passed: boolean;
}

/** Cosines of the two groups of sentences. @throws AppError embedding_failed when the model cannot be run */
export async function measureMeaning(
  embedding: Pick<EmbeddingModel, 'embed' | 'maxBatch'>,
  signal: AbortSignal = new AbortController().signal,
): Promise<MeaningReport> {
  let normError = 0;
  const cosines: number[] = [];
  for (const [a, b] of [...paraphrases, ...unrelated]) {
    const [first, second] = await embedding.embed([a, b], { signal });
    cosines.push(dot(first!, second!));
    for (const vector of [first!, second!])
      normError = Math.max(normError, Math.abs(Math.sqrt(dot(vector, vector)) - 1));
  }
  const near = cosines.slice(0, paraphrases.length);
  const far = cosines.slice(paraphrases.length);
  const margin = mean(near) - mean(far);
  // In order as well as on average: one swapped row of the vocabulary is enough to break it.
  const passed = margin >= meanMarginMin && Math.min(...near) > Math.max(...far) && normError < 1e-3;
  return { paraphrases: near, unrelated: far, margin, normError, passed };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** @throws AppError `embedding_failed` when the weights do not tell paraphrases from unrelated sentences */
export async function checkMeaning(embedding: Pick<EmbeddingModel, 'embed' | 'maxBatch'>): Promise<void> {
  const report = await measureMeaning(embedding);
  if (report.passed) return;
  throw refused(
    `the weights fail the self-check: paraphrases have cosines ${format(report.paraphrases)}, unrelated sentences ` +
      `${format(report.unrelated)} (margin ${report.margin.toFixed(3)}, at least ${meanMarginMin} expected); ` +
      'run `llm-self-host embedder check`, then `llm-self-host embedder fetch`',
  );
}

const format = (cosines: readonly number[]): string => cosines.map((cosine) => cosine.toFixed(2)).join(', ');
