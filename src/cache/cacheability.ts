/** Which requests the cache may answer, and with which tier. Pure. */
import { isLoadRequest, type AnswerRequest, type Asker } from '../core/chat.ts';
import { canonicalText } from './canonical.ts';
import type { BypassReason } from './cache-types.ts';

export interface CacheabilityOptions {
  /** Highest temperature a request may send without a seed: above it, variety is asked for. */
  readonly temperatureMax: number;
  /** Longest request, characters over all texts: hashing a longer one would hold the event loop for milliseconds. */
  readonly requestCharsMax: number;
}

/** Why the cache leaves this request alone, for reading and writing; undefined when it need not. O(messages). */
export function bypassReason(
  request: AnswerRequest,
  asker: Asker,
  { temperatureMax, requestCharsMax }: CacheabilityOptions,
): BypassReason | undefined {
  if (asker.cache.mode === 'no-store') return 'no-store';
  if (isLoadRequest(request)) return 'load-request';
  if (asksForVariety(request, temperatureMax)) return 'not-deterministic';
  if (request.logprobs === true) return 'logprobs';
  if (hasImages(request)) return 'images';
  if (textLength(request) > requestCharsMax) return 'too-long';
  return undefined;
}

/**
 * The text whose wording may vary: the user's last, in canonical form. undefined when only the exact
 * tier applies: tools (an answer may be a call), a last word that is not the user's, an empty text, and
 * generate requests that are fed to the model letter by letter or continue a token context.
 */
export function semanticText(request: AnswerRequest): string | undefined {
  if (request.kind === 'generate') {
    if (request.raw || request.context?.length || request.suffix !== undefined || request.template !== undefined)
      return;
    return canonicalText(request.prompt) || undefined;
  }
  const last = request.messages.at(-1);
  if (request.tools?.length || last?.role !== 'user') return;
  return canonicalText(last.content) || undefined;
}

/** What the user said, newest first: "and in Paris?" is about the weather today when the turn before was. */
export function userTexts(request: AnswerRequest): readonly string[] {
  if (request.kind === 'generate') return [request.prompt];
  const texts: string[] = [];
  for (let i = request.messages.length - 1; i >= 0 && texts.length < userTextsMax; i--) {
    const { role, content } = request.messages[i]!;
    if (role === 'user') texts.push(content);
  }
  return texts;
}

/** Turns further back seldom say what the last one is about, and reading them all would cost each long conversation. */
const userTextsMax = 4;

function asksForVariety({ options }: AnswerRequest, temperatureMax: number): boolean {
  const { temperature, seed } = options as { readonly temperature?: unknown; readonly seed?: unknown };
  // Ollama reads seed −1 as "a random one".
  const seeded = typeof seed === 'number' && seed !== -1;
  return typeof temperature === 'number' && temperature > temperatureMax && !seeded;
}

function hasImages(request: AnswerRequest): boolean {
  if (request.kind === 'generate') return (request.images?.length ?? 0) > 0;
  return request.messages.some((message) => (message.images?.length ?? 0) > 0);
}

function textLength(request: AnswerRequest): number {
  if (request.kind === 'generate') {
    return request.prompt.length + (request.suffix?.length ?? 0) + (request.system?.length ?? 0);
  }
  let length = 0;
  for (const message of request.messages) length += message.content.length + (message.thinking?.length ?? 0);
  return length;
}
