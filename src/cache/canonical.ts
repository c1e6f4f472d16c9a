/**
 * One text per effective request: requests that must get the same answer share it, all others differ.
 * It is written straight into one string, because the exact tier pays for it on every request.
 */
import { hash } from 'node:crypto';
import type { AnswerRequest, ChatRequest, GenerateRequest, Message, ToolCall } from '../core/chat.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';

/** Deeper JSON than any tool schema needs; the bound keeps hostile nesting from exhausting the stack. */
export const nestingMax = 64;

/** The JSON of a request is nested deeper than `nestingMax`. */
export class NestingError extends Error {
  override readonly name = 'NestingError';

  constructor() {
    super(`request JSON is nested deeper than ${nestingMax} levels; such a request has no cache key`);
  }
}

export interface CanonicalOptions {
  /**
   * Writes a placeholder for the text that the semantic tier compares (the last message of a chat, the
   * prompt of a generate request): what remains must match exactly.
   */
  readonly withoutLastText?: boolean;
  /** Leaves out what user and assistant said before the last message: what remains must match exactly. */
  readonly withoutHistory?: boolean;
}

/**
 * Everything that changes the answer and nothing else: sorted keys, NFC, LF, collapsed whitespace; an
 * absent field stays absent. Every value is JSON behind a tag, so two different requests cannot spell
 * the same text. The output limit, streaming, keep-alive and options of speed are left out.
 * O(length of the request).
 * @throws NestingError
 */
export function canonicalRequest(
  request: AnswerRequest,
  { withoutLastText = false, withoutHistory = false }: CanonicalOptions = {},
): string {
  const asked =
    request.kind === 'chat'
      ? chatFields(request, withoutLastText, withoutHistory)
      : generateFields(request, withoutLastText);
  return asked + commonFields(request);
}

/**
 * Text in the form that is compared: NFC, LF, no trailing blanks, runs of spaces inside a line as one,
 * at most one empty line in a row, trimmed. Code (fences, inline code), quoted passages, tabs inside a
 * line and the indentation of lines are kept, because there whitespace can carry meaning. Idempotent, O(n).
 */
export function canonicalText(text: string): string {
  if (!untidy.test(text)) return text;
  let tidy = text;
  if (tidy.includes('\r')) tidy = tidy.replace(/\r\n?/g, '\n');
  // Below U+0300 nothing composes.
  if (/[\u0300-\uffff]/.test(tidy)) tidy = tidy.normalize('NFC');
  return tidy.replace(keptOrCollapsed, collapse).trim();
}

/** Anything but printable ASCII in single-spaced lines; most prompts have none of it. */
const untidy = /[^\n\x20-\x7e]| {2}| \n|\n{3}|^[ \n]|[ \n]$/;

/** Alternatives in order: what is kept whole (fence, inline code, quotation), runs of empty lines, blanks. */
const keptOrCollapsed =
  /```[^]*?(?:```|$)|`[^`\n]+`|"[^"\n]*"|“[^”\n]*”|„[^“”\n]*[“”]|«[^»\n]*»|(?<![\p{L}\p{N}])'[^'\n]*'|\n(?:[ \t]*\n){2,}|[ \t]{2,}|\t| (?=\n)/gu;

function collapse(match: string, offset: number, whole: string): string {
  const first = match.charCodeAt(0);
  if (first === 10) return '\n\n';
  if (first !== 32 && first !== 9) return match;
  if (whole.charCodeAt(offset + match.length) === 10) return '';
  const indents = offset === 0 || whole.charCodeAt(offset - 1) === 10;
  return indents || match.includes('\t') ? match : ' ';
}

function chatFields(request: ChatRequest, withoutLastText: boolean, withoutHistory: boolean): string {
  let out = withoutHistory ? 'chat|without-history|m:' : 'chat|m:';
  const last = request.messages.length - 1;
  for (let i = 0; i <= last; i++) {
    const message = request.messages[i]!;
    if (withoutHistory && i < last && message.role !== 'system') continue;
    out += messageFields(message, withoutLastText && i === last);
  }
  if (request.tools?.length) out += `|o:${canonicalJson(request.tools)}`;
  return out;
}

function messageFields(message: Message, withoutText: boolean): string {
  let out: string = message.role;
  // What a model or a tool said is repeated by clients as it was; only people retype.
  const typed = message.role === 'user' || message.role === 'system';
  out += withoutText ? '*' : JSON.stringify(typed ? canonicalText(message.content) : message.content);
  if (message.thinking !== undefined) out += `~t${JSON.stringify(message.thinking)}`;
  if (message.images?.length) out += `~i${imageHashes(message.images)}`;
  if (message.toolCalls?.length) {
    out += '~c';
    for (const call of message.toolCalls) out += toolCallFields(call);
  }
  if (message.toolName !== undefined) out += `~n${JSON.stringify(message.toolName)}`;
  if (message.toolCallId !== undefined) out += `~d${JSON.stringify(message.toolCallId)}`;
  return `${out};`;
}

function toolCallFields({ id, name, argumentsJson }: ToolCall): string {
  return `(${id === undefined ? '' : JSON.stringify(id)},${JSON.stringify(name)},${canonicalArguments(argumentsJson)})`;
}

/** Key order and blanks of the arguments do not matter; text that JSON numbers cannot hold exactly is kept as it is. */
function canonicalArguments(json: string): string {
  if (!/\d{16}/.test(json)) {
    try {
      return `j${canonicalJson(JSON.parse(json) as JsonValue)}`;
    } catch (error) {
      // Only malformed JSON falls through: it is compared letter by letter.
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return `r${JSON.stringify(json)}`;
}

function generateFields(request: GenerateRequest, withoutLastText: boolean): string {
  // A raw prompt, a template and the two sides of a gap are fed to the model letter by letter.
  const verbatim = request.raw === true || request.suffix !== undefined || request.template !== undefined;
  let out = 'generate|p:';
  out += withoutLastText ? '*' : JSON.stringify(verbatim ? request.prompt : canonicalText(request.prompt));
  if (request.suffix !== undefined) out += `|s:${JSON.stringify(request.suffix)}`;
  if (request.system !== undefined) out += `|y:${JSON.stringify(canonicalText(request.system))}`;
  if (request.template !== undefined) out += `|e:${JSON.stringify(request.template)}`;
  if (request.context?.length) out += `|c:${request.context.join(',')}`;
  if (request.raw === true) out += '|r';
  if (request.images?.length) out += `|i:${imageHashes(request.images)}`;
  return out;
}

function commonFields(request: AnswerRequest): string {
  let out = '|a:';
  out += canonicalObject(request.options, 1, outsideKey);
  if (request.format !== undefined) out += `|f:${canonicalJson(request.format)}`;
  if (request.think !== undefined) out += `|h:${JSON.stringify(request.think)}`;
  if (request.truncate !== undefined) out += `|u:${request.truncate}`;
  if (request.shift !== undefined) out += `|w:${request.shift}`;
  if (request.logprobs === true) out += `|l:${request.topLogprobs ?? ''}`;
  if (request.extra !== undefined) {
    const extra = canonicalObject(request.extra, 1, outsideKey);
    if (extra !== '{}') out += `|x:${extra}`;
  }
  return out;
}

/**
 * Fields that leave the answer as it is: transport, bookkeeping of SDKs, and runner options that only
 * change speed. `num_predict` is the output limit, which decides when an entry may serve, not which entry.
 */
const outsideKey: ReadonlySet<string> = new Set([
  'stream',
  'stream_options',
  'keep_alive',
  'user',
  'metadata',
  'store',
  'encoding_format',
  'num_predict',
  'num_gpu',
  'num_thread',
  'num_batch',
  'main_gpu',
  'use_mmap',
  'use_mlock',
  'low_vram',
  'numa',
  'draft_num_predict',
]);

const nothing: ReadonlySet<string> = new Set();

/** JSON with sorted keys. @throws NestingError */
export function canonicalJson(value: JsonValue, depth = 0): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth >= nestingMax) throw new NestingError();
  if (!Array.isArray(value)) return canonicalObject(value as JsonObject, depth + 1, nothing);
  let out = '[';
  for (let i = 0; i < value.length; i++) {
    if (i > 0) out += ',';
    out += canonicalJson(value[i] as JsonValue, depth + 1);
  }
  return `${out}]`;
}

function canonicalObject(object: JsonObject, depth: number, without: ReadonlySet<string>): string {
  const keys = Object.keys(object);
  if (keys.length > 1) keys.sort();
  let out = '{';
  for (const key of keys) {
    const value = object[key];
    if (value === undefined || without.has(key)) continue;
    if (out.length > 1) out += ',';
    out += `${JSON.stringify(key)}:${canonicalJson(value, depth)}`;
  }
  return `${out}}`;
}

function imageHashes(images: readonly string[]): string {
  return `[${images.map((image) => hash('sha256', image, 'base64url')).join(',')}]`;
}
