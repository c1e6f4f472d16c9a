/** `/v1/completions` and `/v1/embeddings` bodies → neutral requests. */
import type { EmbedRequest, GenerateRequest } from '../../../core/chat.ts';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import {
  bodyObject,
  fieldError,
  optionalBoolean,
  optionalInteger,
  optionalString,
  unsupportedField,
} from '../shared/fields.ts';
import { embedInputsMax } from '../shared/limits.ts';
import { noticeUnknownFields } from '../shared/notices.ts';
import { readTopLogprobs } from '../shared/options.ts';
import type { DecodedOpenAi } from './decode-chat.ts';
import {
  noticeLogitBias,
  readOutputLimit,
  readSampling,
  readStream,
  refuseDebugRender,
  refuseMoreThanOne,
  requiredModel,
} from './decode-shared.ts';

type Draft<T> = { -readonly [Key in keyof T]: T[Key] };

const known: ReadonlySet<string> = new Set([
  'model',
  'prompt',
  'suffix',
  'stream',
  'stream_options',
  'max_tokens',
  'temperature',
  'top_p',
  'seed',
  'stop',
  'frequency_penalty',
  'presence_penalty',
  'logprobs',
  'n',
  'best_of',
  'echo',
  'logit_bias',
  '_debug_render_only',
  'user',
]);

/** @throws AppError bad_request | unsupported, naming the field. */
export function decodeOpenAiCompletions(input: JsonValue): DecodedOpenAi<GenerateRequest> {
  const body = bodyObject(input);
  const model = requiredModel(body);
  const notices: string[] = [];
  refuseMoreThanOne(body, 'n');
  refuseMoreThanOne(body, 'best_of');
  refuseDebugRender(body);
  if (optionalBoolean(body, 'echo', '')) throw unsupportedField('echo', 'put the prompt before the answer yourself');

  const request: Draft<GenerateRequest> = {
    kind: 'generate',
    model: model.name,
    prompt: readPrompt(body),
    options: readSampling(body),
    outputLimit: readOutputLimit(body, 'max_tokens'),
  };
  const suffix = optionalString(body, 'suffix', '');
  if (suffix) request.suffix = suffix;
  // In this API it is a number: how many alternatives to show beside the chosen token.
  const logprobs = readTopLogprobs(body, 'logprobs');
  if (logprobs !== undefined) {
    request.logprobs = true;
    if (logprobs > 0) request.topLogprobs = logprobs;
  }
  noticeLogitBias(body, notices);
  noticeUnknownFields(body, known, notices);
  return { request, model: model.written, ...readStream(body), notices };
}

export interface DecodedOpenAiEmbeddings {
  readonly request: EmbedRequest;
  readonly model: string;
  readonly encoding: 'float' | 'base64';
}

export function decodeOpenAiEmbeddings(input: JsonValue): DecodedOpenAiEmbeddings {
  const body = bodyObject(input);
  const model = requiredModel(body);
  const format = optionalString(body, 'encoding_format', '')?.toLowerCase() || 'float';
  if (format !== 'float' && format !== 'base64') throw fieldError('encoding_format', format, '"float" or "base64"');
  const dimensions = optionalInteger(body, 'dimensions', '');
  if (dimensions !== undefined && dimensions <= 0) throw fieldError('dimensions', dimensions, 'an integer above 0');
  return {
    request: {
      model: model.name,
      input: readInput(body),
      normalised: true,
      options: {},
      ...(dimensions !== undefined && { dimensions }),
    },
    model: model.written,
    encoding: format,
  };
}

/** A string, or an array of one: each further prompt would be a generation of its own. */
function readPrompt(body: JsonObject): string {
  const prompt = body['prompt'];
  const text = Array.isArray(prompt) && prompt.length === 1 ? (prompt[0] as JsonValue) : prompt;
  if (typeof text === 'string' && text !== '') return text;
  if (text === '' || text === undefined || text === null) {
    throw new AppError('bad_request', 'prompt is empty; send the text to complete', { param: 'prompt' });
  }
  if (typeof text === 'number' || isTokenArray(text)) throw tokensRefused('prompt');
  if (Array.isArray(text) && typeof text[0] === 'string') {
    const message = `prompt is an array of ${text.length} texts; send one request per text`;
    throw new AppError('unsupported', message, { param: 'prompt' });
  }
  throw fieldError('prompt', text, 'a string');
}

function readInput(body: JsonObject): readonly string[] {
  const input = body['input'];
  if (typeof input === 'string' && input !== '') return [input];
  if (!Array.isArray(input) || input.length === 0) {
    const message = 'invalid input: expected a string that is not empty, or an array of strings';
    throw new AppError('bad_request', message, { param: 'input' });
  }
  const texts = input as readonly JsonValue[];
  if (texts.length > embedInputsMax) throw fieldError('input', texts, `at most ${embedInputsMax} texts`);
  for (let i = 0; i < texts.length; i++) {
    if (typeof texts[i] === 'string') continue;
    if (typeof texts[i] === 'number' || isTokenArray(texts[i])) throw tokensRefused('input');
    throw fieldError(`input[${i}]`, texts[i], 'a string');
  }
  return texts as readonly string[];
}

/** Token ids, alone or as a batch of them. */
function isTokenArray(value: JsonValue | undefined): boolean {
  if (!Array.isArray(value)) return false;
  const first = value[0] as JsonValue | undefined;
  return typeof first === 'number' || (Array.isArray(first) && typeof first[0] === 'number');
}

/** Token ids mean something else to each model's vocabulary, and thinkers take text only. */
function tokensRefused(path: string): AppError {
  return new AppError('unsupported', `${path} holds token ids, which thinkers do not take; send the text as a string`, {
    param: path,
  });
}
