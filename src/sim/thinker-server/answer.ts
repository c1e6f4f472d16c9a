/**
 * What a simulated model says. An answer restates the question and carries a fingerprint of the
 * whole conversation, so that an answer served for another question is visibly wrong; and it says
 * that it is simulated.
 */
import type { Random } from '../../core/random.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { Ask, AskMessage } from './ask.ts';
import { schemaValue } from './schema-value.ts';
import { clip, hashText, hintsOf, keywordsOf, tokenCount, tokensOf, type Hints } from './words.ts';

export interface Composed {
  /** Token by token. */
  readonly thinking: readonly string[];
  readonly text: readonly string[];
  readonly toolCalls: readonly JsonObject[];
  readonly doneReason: 'stop' | 'length';
  readonly evalCount: number;
}

export type Wits = 'sound' | 'garbled';

/** `random` is used only where real sampling would differ between two calls: temperature without a seed. */
export function composeAnswer(ask: Ask, random: Random, wits: Wits = 'sound'): Composed {
  const last = ask.messages.at(-1);
  const question = lastUserText(ask.messages);
  const sampled = (ask.temperature ?? 0) > 0 && ask.seed === undefined;
  const variant = sampled ? random.int(2 ** 31) : ask.fingerprint;
  const thinking = ask.think === false ? [] : tokensOf(thoughts(question, ask.think));
  const calls = last?.role === 'user' ? toolCalls(ask, question) : [];
  const said = calls.length > 0 ? '' : answerText(ask, question, last, { variant, sampled });
  const full = wits === 'sound' ? said : said.replace(/\p{L}/gu, '\u0040');
  return limit(ask, thinking, tokensOf(beforeStop(full, ask.stop)), calls);
}

function lastUserText(messages: readonly AskMessage[]): string {
  for (let i = messages.length - 1; i >= 0; i--) if (messages[i]!.role === 'user') return messages[i]!.content;
  return messages.at(-1)?.content ?? '';
}

function thoughts(question: string, level: boolean | string): string {
  const words = keywordsOf(question);
  const depth = level === 'low' ? 1 : level === 'high' || level === 'max' ? 3 : 2;
  return [
    `[simulated thought] The question is about ${words.slice(0, 4).join(', ') || 'nothing in particular'}.`,
    ' No weights are loaded here, so it is restated and marked as simulated.',
    ' A second look changes nothing.',
  ]
    .slice(0, depth)
    .join('');
}

interface Variation {
  readonly variant: number;
  readonly sampled: boolean;
}

function answerText(ask: Ask, question: string, last: AskMessage | undefined, variation: Variation): string {
  const mark = ask.fingerprint.toString(16).padStart(8, '0');
  if (ask.format === 'json') {
    return JSON.stringify({
      simulated: true,
      question: clip(question),
      key_words: keywordsOf(question),
      fingerprint: mark,
    });
  }
  if (ask.format) return JSON.stringify(schemaValue(ask.format, hintsOf(question)));
  const { variant, sampled } = variation;
  const parts: string[] = [];
  if (last?.role === 'tool') {
    const name = last.toolName === undefined ? 'The tool' : `The tool ${last.toolName}`;
    parts.push(`[simulated] ${name} says: ${clip(last.content, 600)}. That answers "${clip(question)}".`);
  } else {
    const words = keywordsOf(question);
    parts.push(`[simulated] ${openers[variant % openers.length]!} "${clip(question)}".`);
    if (words.length > 0) parts.push(` It turns on these words: ${words.join(', ')}.`);
    const images = last?.imageHashes ?? [];
    if (images.length > 0) {
      const hashes = images.map((hash) => hash.slice(0, 12)).join(', ');
      parts.push(` It came with ${images.length} image${images.length === 1 ? '' : 's'} (sha256 ${hashes}).`);
    }
    parts.push(closers[(variant >>> 8) % closers.length]!);
  }
  if (ask.messages.length > 1) parts.push(` This conversation has ${ask.messages.length} messages.`);
  if (ask.context.length > 0) parts.push(` It continues ${ask.context.length} tokens of context.`);
  if (ask.suffix !== '') parts.push(` It leads up to "${clip(ask.suffix, 80)}".`);
  parts.push(` Fingerprint ${mark}${sampled ? `, sample ${variant}` : ''}.`);
  return padded(parts.join(''), question);
}

const openers = ['You asked', 'The question was', 'This is an answer to', 'What you want to know is'] as const;
const closers = [
  ' A real thinker would answer it here; this text comes from a simulator and knows nothing.',
  ' No model was run: a simulator wrote these sentences, so take no fact from them.',
  ' The sentences are made up by a simulator, at the pace a real model would have.',
] as const;

/** Longest answer that `in N words` can ask for. */
const wordsMax = 20_000;

/** A question that asks for N words gets about that many: streams as long as a test needs them. */
function padded(text: string, question: string): string {
  const wanted = Math.min(wordsMax, Number(/\b(\d{1,6}) words\b/i.exec(question)?.[1] ?? 0));
  const words = keywordsOf(question);
  const out = [text];
  for (let count = text.split(' ').length, i = 1; count < wanted; i++) {
    const sentence = ` Sentence ${i} is about ${words[i % Math.max(1, words.length)] ?? 'nothing'} and was not thought.`;
    out.push(sentence);
    count += 9;
  }
  return out.join('');
}

function beforeStop(text: string, stops: readonly string[]): string {
  let end = text.length;
  for (const stop of stops) {
    const at = text.indexOf(stop);
    if (at !== -1 && at < end) end = at;
  }
  return end === text.length ? text : text.slice(0, end);
}

/** Applies `num_predict`, and `num_ctx` where the context may not shift. */
function limit(ask: Ask, thinking: string[], text: string[], calls: JsonObject[]): Composed {
  const room = ask.shift ? Infinity : Math.max(1, ask.numCtx - ask.promptTokens);
  const most = Math.min(ask.numPredict, room);
  const callTokens = calls.length === 0 ? 0 : tokenCount(JSON.stringify(calls));
  const wanted = thinking.length + text.length + callTokens;
  if (wanted <= most) return { thinking, text, toolCalls: calls, doneReason: 'stop', evalCount: wanted };
  const keptThinking = thinking.slice(0, most);
  return {
    thinking: keptThinking,
    text: text.slice(0, most - keptThinking.length),
    // A call that was not written to its end is no call.
    toolCalls: [],
    doneReason: 'length',
    evalCount: most,
  };
}

/** Calls the tool whose name and description the question speaks of; none when it speaks of none. */
function toolCalls(ask: Ask, question: string): JsonObject[] {
  const asked = new Set(question.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? []);
  let best: JsonObject | undefined;
  let bestScore = 0;
  for (const tool of ask.tools) {
    const described = isJsonObject(tool['function']) ? tool['function'] : {};
    const inName = wordsIn(described['name']).filter((word) => asked.has(word)).length;
    const inDescription = wordsIn(described['description']).filter((word) => asked.has(word)).length;
    const score = inName * 2 + (inDescription > 1 || inName > 0 ? inDescription : 0);
    if (score > bestScore) {
      best = described;
      bestScore = score;
    }
  }
  if (!best) return [];
  const name = typeof best['name'] === 'string' ? best['name'] : '';
  const hints = hintsOf(question);
  const places = hints.names.length > 1 && takesOneName(best['parameters']) ? hints.names.slice(0, 4) : [undefined];
  return places.map((place, index): JsonObject => {
    const narrowed: Hints = place === undefined ? hints : { ...hints, names: [place] };
    const args = schemaValue(best['parameters'] ?? { type: 'object' }, narrowed);
    return {
      id: `call_${hashText(`${name} ${index}`, ask.fingerprint).toString(36).padStart(8, '0')}`,
      function: { index, name, arguments: isJsonObject(args) ? args : {} },
    };
  });
}

const little = new Set([
  'get',
  'the',
  'for',
  'and',
  'use',
  'this',
  'that',
  'with',
  'from',
  'current',
  'tool',
  'given',
  'what',
]);

function wordsIn(value: JsonValue | undefined): string[] {
  if (typeof value !== 'string') return [];
  const split = value.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return [...new Set(split.match(/[\p{L}\p{N}]{3,}/gu) ?? [])].filter((word) => !little.has(word));
}

/** "weather in Paris and Oslo" is two calls of a tool that takes one place. */
function takesOneName(parameters: JsonValue | undefined): boolean {
  if (!isJsonObject(parameters) || !isJsonObject(parameters['properties'])) return false;
  const named = Object.entries(parameters['properties']).filter(([key]) =>
    /city|place|location|country|town/i.test(key),
  );
  return named.length === 1 && isJsonObject(named[0]![1]) && named[0]![1]['type'] !== 'array';
}
