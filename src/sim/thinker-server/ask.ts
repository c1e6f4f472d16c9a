/** A chat or generate request as the simulated model understands it. */
import { createHash } from 'node:crypto';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import { HttpError } from './http.ts';
import type { StoredModel } from './models.ts';
import { hashText, tokenCount } from './words.ts';

export interface AskMessage {
  readonly role: string;
  readonly content: string;
  /** SHA-256 of the decoded bytes, hex. */
  readonly imageHashes: readonly string[];
  readonly toolName: string | undefined;
  readonly tokens: number;
}

export interface Ask {
  readonly route: 'chat' | 'generate';
  /** As the client wrote it: answers repeat it. */
  readonly modelName: string;
  readonly model: StoredModel;
  readonly stream: boolean;
  /** No message or no prompt: the model is loaded (or unloaded), nothing is generated. */
  readonly loadOnly: boolean;
  readonly keepAliveMs: number | undefined;
  readonly messages: readonly AskMessage[];
  readonly tools: readonly JsonObject[];
  readonly format: 'json' | JsonObject | undefined;
  readonly think: boolean | string;
  readonly logprobs: boolean;
  readonly topLogprobs: number;
  readonly truncate: boolean;
  readonly shift: boolean;
  readonly raw: boolean;
  readonly suffix: string;
  readonly context: readonly number[];
  readonly temperature: number | undefined;
  readonly seed: number | undefined;
  /** Most tokens to generate; Infinity when not limited. */
  readonly numPredict: number;
  readonly numCtx: number;
  readonly stop: readonly string[];
  readonly runnerKey: string;
  readonly promptTokens: number;
  /** Hash of everything that may change the answer. */
  readonly fingerprint: number;
}

/** Around each message a template puts its role and markers. */
const tokensPerMessage = 4;
/** What a vision encoder makes of one picture. */
const tokensPerImage = 256;

/** Options that a running model cannot change: another value means loading it again. */
const runnerOptions = ['num_batch', 'num_gpu', 'main_gpu', 'num_thread', 'use_mmap', 'draft_num_predict'] as const;

/** `num_ctx` and the runner's key of a request with these options. */
export function runnerNeed(model: StoredModel, options: JsonObject): { numCtx: number; runnerKey: string } {
  const asked = options['num_ctx'];
  const numCtx = Math.min(typeof asked === 'number' && asked > 0 ? asked : model.defaultNumCtx, model.contextLength);
  let runnerKey = `num_ctx=${numCtx}`;
  for (const name of runnerOptions)
    if (options[name] !== undefined) runnerKey += ` ${name}=${JSON.stringify(options[name])}`;
  return { numCtx, runnerKey };
}

/** @throws HttpError as Ollama answers: unknown think value, format, capability. */
export function readAsk(route: 'chat' | 'generate', body: JsonObject, model: StoredModel): Ask {
  const options = objectOf(body, 'options');
  const images: ImageTally = { count: 0 };
  const messages = route === 'chat' ? chatMessages(body, images) : generateMessages(body, images, model);
  const tools = arrayOf(body, 'tools').filter(isJsonObject);
  const context = arrayOf(body, 'context').filter((id) => typeof id === 'number');
  const suffix = stringOf(body, 'suffix');
  const format = formatOf(body['format']);
  const topLogprobs = typeof body['top_logprobs'] === 'number' ? body['top_logprobs'] : 0;
  if (topLogprobs < 0 || topLogprobs > 20) throw new HttpError(400, 'top_logprobs must be between 0 and 20');
  const loadOnly = route === 'chat' ? messages.length === 0 : stringOf(body, 'prompt') === '' && images.count === 0;
  const seed = numberOf(options, 'seed');
  const numPredict = numberOf(options, 'num_predict');
  const need = runnerNeed(model, options);
  const ask: Ask = {
    route,
    modelName: stringOf(body, 'model'),
    model,
    stream: body['stream'] !== false,
    loadOnly,
    keepAliveMs: keepAliveMs(body['keep_alive']),
    messages,
    tools,
    format,
    think: thinkOf(body['think'], model),
    logprobs: body['logprobs'] === true,
    topLogprobs,
    truncate: body['truncate'] !== false,
    shift: body['shift'] !== false,
    raw: body['raw'] === true,
    suffix,
    context,
    temperature: numberOf(options, 'temperature'),
    seed: seed === undefined || seed < 0 ? undefined : seed,
    numPredict: numPredict !== undefined && numPredict > 0 ? numPredict : Infinity,
    numCtx: need.numCtx,
    runnerKey: need.runnerKey,
    stop: stopOf(options['stop']),
    promptTokens: messages.reduce((sum, message) => sum + message.tokens, 0) + context.length + tokenCount(suffix),
    fingerprint: 0,
  };
  refuseWhatTheModelCannot(ask, images.count, body['think']);
  return { ...ask, ...fit(ask) };
}

/** @throws HttpError 400 in Ollama's words. */
function refuseWhatTheModelCannot(ask: Ask, images: number, think: JsonValue | undefined): void {
  const { model, modelName } = ask;
  const can = model.capabilities;
  const full = modelName.includes('/') ? modelName : `registry.ollama.ai/library/${model.name}`;
  if (!can.includes('completion'))
    throw new HttpError(400, `${JSON.stringify(modelName)} does not support ${ask.route}`);
  if (ask.tools.length > 0 && !can.includes('tools')) throw new HttpError(400, `${full} does not support tools`);
  if (ask.suffix !== '' && !can.includes('insert')) throw new HttpError(400, `${full} does not support insert`);
  if (think !== undefined && think !== null && think !== false && !can.includes('thinking'))
    throw new HttpError(400, `${JSON.stringify(modelName)} does not support thinking`);
  if (images > 0 && !can.includes('vision'))
    throw new HttpError(500, 'this model is missing data required for image input');
}

/** Leaves out the oldest messages that do not fit `num_ctx`, but never the system's nor the last one. */
function fit(ask: Ask): Pick<Ask, 'messages' | 'promptTokens' | 'fingerprint'> {
  let { promptTokens } = ask;
  let messages = ask.messages;
  if (promptTokens > ask.numCtx) {
    if (!ask.truncate) throw new HttpError(400, 'the input length exceeds the context length');
    const last = messages.length - 1;
    messages = messages.filter((message, i) => {
      if (promptTokens <= ask.numCtx || i === last || message.role === 'system') return true;
      promptTokens -= message.tokens;
      return false;
    });
    promptTokens = Math.min(promptTokens, ask.numCtx);
  }
  let fingerprint = hashText(ask.model.digest);
  for (const { role, content, imageHashes } of messages) {
    fingerprint = hashText(content, hashText(role, fingerprint));
    for (const hash of imageHashes) fingerprint = hashText(hash, fingerprint);
  }
  const rest = [ask.suffix, ask.tools, ask.format, ask.think, ask.context, ask.seed, ask.temperature, ask.raw];
  return { messages, promptTokens, fingerprint: hashText(JSON.stringify(rest), fingerprint) };
}

interface ImageTally {
  count: number;
}

function chatMessages(body: JsonObject, tally: ImageTally): AskMessage[] {
  return arrayOf(body, 'messages').map((value, i) => {
    if (!isJsonObject(value)) throw new HttpError(400, `json: cannot unmarshal messages[${i}] into an object`);
    const calls = value['tool_calls'];
    const content = stringOf(value, 'content') + (Array.isArray(calls) ? JSON.stringify(calls) : '');
    return message(stringOf(value, 'role'), content, imagesOf(value, tally), stringOf(value, 'tool_name') || undefined);
  });
}

function generateMessages(body: JsonObject, tally: ImageTally, model: StoredModel): AskMessage[] {
  const raw = body['raw'] === true;
  const system = stringOf(body, 'system') || model.system;
  if (
    raw &&
    (stringOf(body, 'system') !== '' || stringOf(body, 'template') !== '' || arrayOf(body, 'context').length > 0)
  )
    throw new HttpError(400, 'raw mode does not support template, system, or context');
  const out: AskMessage[] = [];
  if (system !== '' && !raw) out.push(message('system', system, [], undefined));
  if (stringOf(body, 'template') !== '') out.push(message('template', stringOf(body, 'template'), [], undefined));
  out.push(message('user', stringOf(body, 'prompt'), imagesOf(body, tally), undefined));
  return out;
}

const message = (role: string, content: string, imageHashes: string[], toolName: string | undefined): AskMessage => ({
  role,
  content,
  imageHashes,
  toolName,
  tokens: tokenCount(content) + tokensPerMessage + imageHashes.length * tokensPerImage,
});

function imagesOf(body: JsonObject, tally: ImageTally): string[] {
  return arrayOf(body, 'images').map((image, i) => {
    if (typeof image !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(image))
      throw new HttpError(400, `illegal base64 data in images[${i}]`);
    tally.count++;
    return createHash('sha256').update(image, 'base64').digest('hex');
  });
}

function thinkOf(think: JsonValue | undefined, model: StoredModel): boolean | string {
  if (think === undefined || think === null) return model.capabilities.includes('thinking');
  if (typeof think === 'boolean') return think;
  if (think === 'low' || think === 'medium' || think === 'high' || think === 'max') return think;
  throw new HttpError(
    400,
    `invalid think value: ${JSON.stringify(think)} (must be "high", "medium", "low", "max", true, or false)`,
  );
}

function formatOf(format: JsonValue | undefined): 'json' | JsonObject | undefined {
  if (format === undefined || format === null || format === '') return undefined;
  if (format === 'json' || isJsonObject(format)) return format;
  throw new HttpError(400, `invalid format: ${JSON.stringify(format)}; expected "json" or a valid JSON Schema object`);
}

function stopOf(stop: JsonValue | undefined): string[] {
  const list = typeof stop === 'string' ? [stop] : Array.isArray(stop) ? stop : [];
  return list.filter((one) => typeof one === 'string' && one !== '');
}

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Seconds as a number, or a duration such as `5m`, `1h30m`; negative means for ever.
 * @returns milliseconds, Infinity for ever, undefined when the client left it to the server.
 */
export function keepAliveMs(value: JsonValue | undefined): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return value < 0 ? Infinity : value * 1_000;
  if (value === '0' || value === '-0') return 0;
  const parts = typeof value === 'string' ? /^([-+]?)((?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+)$/.exec(value) : null;
  if (!parts)
    throw new HttpError(
      400,
      `time: invalid duration ${JSON.stringify(value)}; expected seconds or a duration such as "5m"`,
    );
  if (parts[1] === '-') return Infinity;
  let ms = 0;
  for (const [, amount, unit] of parts[2]!.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g))
    ms += Number(amount) * unitMs[unit!]!;
  return ms;
}

/** @throws HttpError 400 when the field is there and no string. */
export function stringOf(body: JsonObject, name: string): string {
  const value = body[name];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw wrongType(name, 'string', value);
  return value;
}

function numberOf(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number') throw new HttpError(400, `option "${name}" must be of type number`);
  return value;
}

function arrayOf(body: JsonObject, name: string): readonly JsonValue[] {
  const value = body[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrongType(name, 'array', value);
  return value as readonly JsonValue[];
}

export function objectOf(body: JsonObject, name: string): JsonObject {
  const value = body[name];
  if (value === undefined || value === null) return {};
  if (!isJsonObject(value)) throw wrongType(name, 'object', value);
  return value;
}

const wrongType = (name: string, wanted: string, value: JsonValue) =>
  new HttpError(
    400,
    `json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into field ${name} of type ${wanted}`,
  );
