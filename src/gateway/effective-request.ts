/**
 * Gives every request of a model the same runner options. Ollama reloads a model, for minutes, when
 * a request asks for other ones, and its default context window depends on the card's memory: the
 * same prompt would be cut differently on two machines.
 */
import type { AnswerRequest, EmbedRequest } from '../core/chat.ts';
import { modelName, type ModelName } from '../core/ids.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';

export interface ModelPolicy {
  readonly numCtx?: number | undefined;
  readonly options: Readonly<Record<string, number | boolean>>;
}

export interface PinOptions {
  readonly default: ModelPolicy;
  readonly byName: Readonly<Record<string, ModelPolicy>>;
}

export interface EffectiveRequest {
  readonly request: AnswerRequest;
  /** What the client asked for and does not get. */
  readonly notices: readonly string[];
}

/** Options that belong to the loaded model, not to a request. */
const runnerOptions = new Set([
  'num_ctx',
  'num_batch',
  'num_gpu',
  'num_thread',
  'use_mmap',
  'main_gpu',
  'draft_num_predict',
]);
const noNotices: readonly string[] = [];

export function createPinner(options: PinOptions): {
  pin(request: AnswerRequest): EffectiveRequest;
  pinEmbed(request: EmbedRequest): EmbedRequest;
} {
  const named = new Map<ModelName, JsonObject>();
  for (const [name, policy] of Object.entries(options.byName)) {
    named.set(modelName(name), pinnedOf({ numCtx: policy.numCtx ?? options.default.numCtx, options: policy.options }));
  }
  const fallback = pinnedOf(options.default);

  return {
    pin(request) {
      const pinned = named.get(request.model) ?? fallback;
      const sent = Object.keys(request.options);
      if (sent.length === 0 && request.shift === undefined)
        return { request: { ...request, options: pinned }, notices: noNotices };
      const merged: Record<string, JsonValue> = {};
      let notices: string[] | undefined;
      for (const key of sent) {
        const value = request.options[key]!;
        if (!runnerOptions.has(key)) merged[key] = value;
        else if (value !== pinned[key]) {
          (notices ??= []).push(
            `${key} ${JSON.stringify(value)} is not used: this model runs with ${JSON.stringify(pinned[key] ?? 'its default')}`,
          );
        }
      }
      Object.assign(merged, pinned);
      if (request.shift === undefined)
        return { request: { ...request, options: merged }, notices: notices ?? noNotices };
      const { shift, ...rest } = request;
      (notices ??= []).push(`shift ${shift} is not used: one value serves all requests of a model`);
      return { request: { ...rest, options: merged }, notices };
    },
    pinEmbed(request) {
      // An embedding model's window is its own; only what is configured by name is forced on it.
      const pinned = named.get(request.model);
      const merged: Record<string, JsonValue> = {};
      for (const [key, value] of Object.entries(request.options)) if (!runnerOptions.has(key)) merged[key] = value;
      return { ...request, options: pinned ? { ...merged, ...pinned } : merged };
    },
  };
}

function pinnedOf(policy: ModelPolicy): JsonObject {
  return Object.freeze({ ...policy.options, ...(policy.numCtx !== undefined && { num_ctx: policy.numCtx }) });
}
