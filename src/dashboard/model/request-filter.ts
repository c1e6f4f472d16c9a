/** Which requests are shown, as it stands in the address. */
import type { RequestRecord } from '../../telemetry/request-log.ts';

export const answers = ['exact', 'semantic', 'coalesced', 'miss', 'bypass', 'failed', 'none'] as const;
export type AnswerKind = (typeof answers)[number];

export const answerWords: Readonly<Record<AnswerKind, string>> = {
  exact: 'exact hit',
  semantic: 'semantic hit',
  coalesced: 'shared answer',
  miss: 'miss',
  bypass: 'bypass',
  failed: 'failed',
  none: 'no answer asked',
};

export interface RequestFilter {
  readonly answer: AnswerKind | undefined;
  readonly model: string;
  readonly tenant: string;
  /** Slower than this. */
  readonly msMin: number | undefined;
}

export function filterOf(query: URLSearchParams): RequestFilter {
  const ms = Number(query.get('slower') ?? '');
  return {
    answer: answers.find((each) => each === query.get('answer')),
    model: query.get('model') ?? '',
    tenant: query.get('tenant') ?? '',
    msMin: Number.isFinite(ms) && ms > 0 ? ms : undefined,
  };
}

export function answerOf({ outcome, cache }: Pick<RequestRecord, 'outcome' | 'cache'>): AnswerKind {
  return outcome === 'ok' ? (cache ?? 'none') : 'failed';
}

export function matches(record: RequestRecord, { answer, model, tenant, msMin }: RequestFilter): boolean {
  return (
    (answer === undefined || answerOf(record) === answer) &&
    record.model.toLowerCase().includes(model.toLowerCase()) &&
    record.tenant.toLowerCase().includes(tenant.toLowerCase()) &&
    (msMin === undefined || record.totalMs >= msMin)
  );
}
