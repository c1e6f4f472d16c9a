/** What the bodies of `/v1/chat/completions` and `/v1/completions` have in common. */
import { AppError } from '../../../core/errors.ts';
import type { ModelName } from '../../../core/ids.ts';
import { isJsonObject, type JsonObject } from '../../../core/json.ts';
import { fieldError, optionalBoolean, optionalInteger, optionalObject, unsupportedField } from '../shared/fields.ts';
import { readModel } from '../shared/model.ts';
import { copyInteger, copyNumber, copyStop, type OptionsDraft } from '../shared/options.ts';

export interface StreamChoice {
  readonly stream: boolean;
  /** A last chunk with the token counts. */
  readonly includeUsage: boolean;
}

export function requiredModel(body: JsonObject): { written: string; name: ModelName } {
  const model = readModel(body);
  if (!model) throw new AppError('bad_request', 'model is required', { param: 'model' });
  return model;
}

export function readStream(body: JsonObject): StreamChoice {
  const stream = optionalBoolean(body, 'stream', '') ?? false;
  const streamOptions = optionalObject(body, 'stream_options', '');
  const includeUsage = streamOptions && optionalBoolean(streamOptions, 'include_usage', 'stream_options');
  return { stream, includeUsage: includeUsage ?? false };
}

/** Sampling fields under their native names. Nothing is filled in: absent here is absent in every dialect. */
export function readSampling(body: JsonObject): OptionsDraft {
  const options: OptionsDraft = {};
  copyNumber(body, 'temperature', options);
  copyNumber(body, 'top_p', options);
  copyInteger(body, 'seed', options);
  copyNumber(body, 'frequency_penalty', options);
  copyNumber(body, 'presence_penalty', options);
  copyStop(body, 'stop', options);
  return options;
}

/** The first key that is present wins. -1 is "no limit" for Ollama, and clients made for it send that. */
export function readOutputLimit(body: JsonObject, ...keys: readonly string[]): number | undefined {
  let limit: number | undefined;
  for (const key of keys) {
    const value = optionalInteger(body, key, '');
    if (value !== undefined && value <= 0 && value !== -1) {
      throw fieldError(key, value, 'an integer above 0, or -1 for no limit');
    }
    limit ??= value;
  }
  return limit === -1 ? undefined : limit;
}

/** More than one answer per request would be more than one generation, which a thinker does not offer. */
export function refuseMoreThanOne(body: JsonObject, key: string): void {
  const value = optionalInteger(body, key, '');
  if (value !== undefined && value !== 1) {
    throw unsupportedField(key, `only 1 works and it is ${value}: send one request per answer`);
  }
}

export function refuseDebugRender(body: JsonObject): void {
  if (optionalBoolean(body, '_debug_render_only', '')) {
    throw unsupportedField(
      '_debug_render_only',
      'leave it out, or ask an Ollama server directly for the rendered prompt',
    );
  }
}

export function noticeLogitBias(body: JsonObject, notices: string[]): void {
  const bias = optionalObject(body, 'logit_bias', '');
  if (bias && Object.keys(bias).length > 0) notices.push('logit_bias was ignored: thinkers do not offer it');
}

/** `response_format` → native `format`. */
export function readResponseFormat(body: JsonObject): 'json' | JsonObject | undefined {
  const format = optionalObject(body, 'response_format', '');
  if (!format) return undefined;
  const type = format['type'];
  switch (type) {
    case 'text':
      return undefined;
    case 'json_object':
      return 'json';
    case 'json_schema': {
      const wrapper = format['json_schema'];
      const schema = isJsonObject(wrapper) ? wrapper['schema'] : undefined;
      if (isJsonObject(schema)) return schema;
      throw fieldError('response_format.json_schema.schema', schema, 'a JSON schema object');
    }
    default:
      throw fieldError('response_format.type', type, '"text", "json_object" or "json_schema"');
  }
}
