/**
 * The one place where our facts get names of OpenTelemetry. The conventions for generative AI are still in
 * development and may rename what they name; a trace says by its schema which of them it follows.
 *
 * An answer from our cache is never told as `gen_ai.usage.cache_read.*`: that is the provider's own cache of prompts,
 * where a model still answers.
 */
import type { RequestRecord } from '../request-log.ts';

export const semanticConventions = '1.37.0';
export const schemaUrl = `https://opentelemetry.io/schemas/${semanticConventions}`;

export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** By the label of the route. */
const operations: Readonly<Record<string, string>> = {
  chat: 'chat',
  messages: 'chat',
  responses: 'chat',
  generate: 'text_completion',
  completions: 'text_completion',
  embeddings: 'embeddings',
};
export const operationOf = (route: string): string => operations[route] ?? route;

export const requestAttributes = (record: RequestRecord): Attributes =>
  defined({
    'gen_ai.operation.name': operationOf(record.route),
    'gen_ai.request.model': record.model || undefined,
    'http.response.status_code': record.status,
    'error.type': errorTypeOf(record),
    'selfhost.request.id': record.id,
    'selfhost.route': record.route,
    'selfhost.tenant': record.tenant,
    'selfhost.stream': record.stream,
    'selfhost.outcome': record.outcome,
    'selfhost.cache.result': record.cache,
    'selfhost.tokens.input': record.promptTokens,
    'selfhost.tokens.output': record.completionTokens,
  });

export const lookupAttributes = ({ cache, similarity, entryId, steps }: RequestRecord, cut?: number): Attributes =>
  defined({
    'selfhost.cache.result': cache,
    'selfhost.cache.bypass': steps?.bypass,
    'selfhost.cache.exact': steps?.exact,
    'selfhost.cache.semantic': steps?.semantic,
    'selfhost.cache.reason': steps?.semanticReason,
    'selfhost.cache.similarity': similarity,
    'selfhost.cache.threshold': cut,
    'selfhost.cache.entry_id': entryId,
    'selfhost.cache.entry_age_s': steps?.ageS,
    'selfhost.cache.answer_of': steps?.answerOf,
  });

export const queueAttributes = (queuedMs: number): Attributes => ({ 'selfhost.queue.wait_ms': queuedMs });

export const callAttributes = (record: RequestRecord): Attributes =>
  defined({
    'gen_ai.operation.name': operationOf(record.route),
    'gen_ai.provider.name': 'ollama',
    'gen_ai.request.model': record.model || undefined,
    'gen_ai.response.model': record.outcome === 'ok' ? record.model : undefined,
    'gen_ai.usage.input_tokens': record.promptTokens || undefined,
    'gen_ai.usage.output_tokens': record.completionTokens || undefined,
    'gen_ai.response.finish_reasons': record.finishReason && `["${record.finishReason}"]`,
    'server.address': record.thinker,
    'error.type': errorTypeOf(record),
    'selfhost.thinker.cold': record.steps?.cold,
  });

/** Our code for it, which is one of a few. */
export const errorTypeOf = ({ error }: RequestRecord): string | undefined => error?.slice(0, error.indexOf(':'));

function defined(values: Readonly<Record<string, string | number | boolean | undefined>>): Attributes {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined),
  );
}
