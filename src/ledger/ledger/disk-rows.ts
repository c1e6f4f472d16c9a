/** Entries as rows, both ways. */
import type { RequestId, TenantId } from '../../core/ids.ts';
import { epochMs, usdMicros } from '../../core/units.ts';
import {
  answerSources,
  type AnswerBucket,
  type AnswerEntry,
  type ChargeEntry,
  type CostBucket,
  type CostEntry,
  type HoldoutEntry,
} from '../ledger.ts';
import { cut, thousandths, whole } from '../sums.ts';
import { numbersPerRow, type AnswerBatch } from './disk-protocol.ts';
import { outcomes } from './disk-schema.ts';

/** Tidies as `tidyEntry` does, without making an object of each: this runs for every answer. */
export function encodeAnswers(entries: readonly AnswerEntry[]): AnswerBatch {
  const numbers = new Float64Array(entries.length * numbersPerRow);
  const texts: string[] = [];
  const textEnds = new Uint32Array(entries.length * 3);
  const names: string[] = [];
  const places = new Map<string, number>();
  const placeOf = (name: string): number => {
    let place = places.get(name);
    if (place === undefined) places.set(name, (place = names.push(name) - 1));
    return place;
  };
  const addText = (text: string): void => {
    textEnds[texts.length] = textEnd += text.length;
    texts.push(text);
  };
  let textEnd = 0;
  let n = 0;
  for (const entry of entries) {
    numbers[n++] = whole(entry.at);
    numbers[n++] = answerSources.indexOf(entry.source);
    numbers[n++] = outcomes.indexOf(entry.outcome);
    numbers[n++] = placeOf(entry.tenant);
    numbers[n++] = placeOf(cut(entry.model));
    numbers[n++] = placeOf(cut(entry.thinker));
    numbers[n++] = whole(entry.promptTokens);
    numbers[n++] = whole(entry.completionTokens);
    numbers[n++] = entry.ttftMs === undefined ? NaN : thousandths(entry.ttftMs);
    numbers[n++] = thousandths(entry.totalMs);
    numbers[n++] = whole(entry.queuedMs);
    numbers[n++] = whole(entry.loadMs);
    numbers[n++] = whole(entry.gpuMs);
    numbers[n++] = whole(entry.avoidedGpuMs);
    addText(entry.requestId);
    addText(entry.question);
    addText(entry.answerOf);
  }
  return { rows: entries.length, numbers, text: texts.join(''), textEnds, names };
}

type Row = Readonly<Record<string, unknown>>;

export function decodeAnswer(row: Row): AnswerEntry {
  return {
    kind: 'answer',
    at: epochMs(row['at'] as number),
    requestId: row['request_id'] as RequestId,
    tenant: row['tenantName'] as TenantId,
    model: row['modelName'] as string,
    source: answerSources[row['source'] as number]!,
    outcome: outcomes[row['outcome'] as number]!,
    thinker: row['thinkerName'] as string,
    promptTokens: row['prompt_tokens'] as number,
    completionTokens: row['completion_tokens'] as number,
    ttftMs: (row['ttft_ms'] as number | null) ?? undefined,
    totalMs: row['total_ms'] as number,
    queuedMs: row['queued_ms'] as number,
    loadMs: row['load_ms'] as number,
    gpuMs: row['gpu_ms'] as number,
    avoidedGpuMs: row['avoided_gpu_ms'] as number,
    question: row['question'] as string,
    answerOf: row['answer_of'] as string,
  };
}

export function decodeCost(row: Row): CostEntry {
  return {
    kind: 'cost',
    ...decodeCostBucket(row),
    ...(row['id'] !== null && { id: row['id'] as string }),
  };
}

export function decodeCostBucket(row: Row): CostBucket {
  return {
    at: epochMs(row['at'] as number),
    component: row['component'] as CostBucket['component'],
    subject: row['subject'] as string,
    seconds: row['seconds'] as number,
    amount: usdMicros(row['amount'] as number),
  };
}

export function decodeCharge(row: Row): ChargeEntry {
  return {
    kind: 'charge',
    at: epochMs(row['at'] as number),
    component: row['component'] as ChargeEntry['component'],
    subject: row['subject'] as string,
    amount: usdMicros(row['amount'] as number),
  };
}

export function decodeHoldout(row: Row): HoldoutEntry {
  return {
    kind: 'holdout',
    at: epochMs(row['at'] as number),
    requestId: row['request_id'] as RequestId,
    tenant: row['tenantName'] as TenantId,
    model: row['modelName'] as string,
    promptTokens: row['prompt_tokens'] as number,
    completionTokens: row['completion_tokens'] as number,
    gpuMs: row['gpu_ms'] as number,
    storedGpuMs: row['stored_gpu_ms'] as number,
  };
}

export function decodeAnswerBucket(row: Row): AnswerBucket {
  const { source, ...sums } = row;
  return { ...sums, source: answerSources[source as number]! } as unknown as AnswerBucket;
}
