/** What a finished request was made of, as spans: from what the log of requests has measured anyway. */
import type { RequestRecord } from '../request-log.ts';
import {
  callAttributes,
  errorTypeOf,
  lookupAttributes,
  operationOf,
  queueAttributes,
  requestAttributes,
  type Attributes,
} from './attributes.ts';

export interface SpanFacts {
  readonly name: string;
  readonly kind: 'server' | 'client' | 'internal';
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  readonly error: string | undefined;
  readonly firstTokenMs: number | undefined;
  readonly children: readonly SpanFacts[];
}

/** What the semantic tier remembers of its lookup; undefined for a part that was not reached. */
export interface LookupStages {
  readonly stages: Readonly<Partial<Record<'embed' | 'search' | 'fetch' | 'verify', number>>>;
  /** Smallest probability that is served. */
  readonly cut: number | undefined;
}

/** Steps follow each other: lookup, queue, thinker. Each begins where the one before it ended. */
export function spansOf(record: RequestRecord, lookup: LookupStages | undefined): SpanFacts {
  const { at, totalMs, steps, ttftMs } = record;
  const endMs = at + totalMs;
  const children: SpanFacts[] = [];
  let cursor: number = at;
  const step = (name: string, ms: number, rest: Partial<SpanFacts> = {}): void => {
    const until = Math.min(endMs, cursor + ms);
    children.push({ ...plain, name, startMs: cursor, endMs: until, ...rest });
    cursor = until;
  };
  const lookedUpMs = (steps?.exactMs ?? 0) + (steps?.semanticMs ?? 0);
  if (steps?.exactMs !== undefined) {
    const stages = stagesOf(cursor + steps.exactMs, Math.min(endMs, cursor + lookedUpMs), lookup);
    step('cache.lookup', lookedUpMs, { attributes: lookupAttributes(record, lookup?.cut), children: stages });
  }
  if (steps?.queuedMs !== undefined) step('queue', steps.queuedMs, { attributes: queueAttributes(steps.queuedMs) });
  if (record.thinker !== undefined && (record.cache === 'miss' || record.cache === 'bypass')) {
    step('thinker.call', endMs - cursor, {
      kind: 'client',
      attributes: callAttributes(record),
      error: errorTypeOf(record),
      firstTokenMs: ttftMs === undefined ? undefined : at + ttftMs,
    });
  }
  return {
    name: record.model === '' ? operationOf(record.route) : `${operationOf(record.route)} ${record.model}`,
    kind: 'server',
    startMs: at,
    endMs,
    attributes: requestAttributes(record),
    error: errorTypeOf(record),
    firstTokenMs: ttftMs === undefined ? undefined : at + ttftMs,
    children,
  };
}

const plain = { kind: 'internal', attributes: {}, error: undefined, firstTokenMs: undefined, children: [] } as const;

function stagesOf(startMs: number, endMs: number, lookup: LookupStages | undefined): readonly SpanFacts[] {
  let cursor = startMs;
  return (['embed', 'search', 'fetch', 'verify'] as const).flatMap((name) => {
    const ms = lookup?.stages[name];
    if (ms === undefined) return [];
    const from = Math.min(cursor, endMs);
    cursor = Math.min(endMs, from + ms);
    return [{ ...plain, name: `cache.${name}`, startMs: from, endMs: cursor }];
  });
}
