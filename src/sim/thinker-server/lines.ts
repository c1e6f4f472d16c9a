/** The bytes of a native answer: its NDJSON lines and the one object of a non-streamed reply. */
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { Composed } from './answer.ts';
import type { Ask } from './ask.ts';
import { hashText } from './words.ts';

export interface Measured {
  readonly totalMs: number;
  readonly loadMs: number;
  readonly prefillMs: number;
  readonly decodeMs: number;
}

/** One answer as its lines. The part that all lines share is written once. */
export class AnswerLines {
  readonly #ask: Ask;
  readonly #composed: Composed;
  readonly #head: string;
  readonly #textStart: string;
  readonly #textEnd: string;
  /** Lines before the `done:true` one. */
  readonly count: number;

  constructor(ask: Ask, composed: Composed, createdAt: string) {
    this.#ask = ask;
    this.#composed = composed;
    this.#head = `{"model":${JSON.stringify(ask.modelName)},"created_at":"${createdAt}",`;
    this.#textStart = this.#head + (ask.route === 'chat' ? '"message":{"role":"assistant","content":' : '"response":');
    this.#textEnd = ask.route === 'chat' ? '},"done":false' : ',"done":false';
    this.count = composed.thinking.length + composed.text.length + (composed.toolCalls.length > 0 ? 1 : 0);
  }

  /** With its newline; `index` in [0, count). */
  line(index: number): string {
    const { thinking, text, toolCalls } = this.#composed;
    if (index < thinking.length)
      return this.#token('""', `,"thinking":${JSON.stringify(thinking[index])}`, thinking[index]);
    const at = index - thinking.length;
    if (at < text.length) return this.#token(JSON.stringify(text[at]), '', text[at]);
    return this.#token('""', `,"tool_calls":${JSON.stringify(toolCalls)}`, undefined);
  }

  /** The `done:true` line. */
  last(measured: Measured): string {
    const message = this.#ask.route === 'chat' ? '"message":{"role":"assistant","content":""},' : '"response":"",';
    return `${this.#head}${message}${JSON.stringify(this.#end(measured)).slice(1)}\n`;
  }

  /** The reply to `stream: false`. */
  whole(measured: Measured): string {
    const { thinking, text, toolCalls } = this.#composed;
    const content = JSON.stringify(text.join(''));
    const thought = thinking.length === 0 ? '' : `,"thinking":${JSON.stringify(thinking.join(''))}`;
    const calls = toolCalls.length === 0 ? '' : `,"tool_calls":${JSON.stringify(toolCalls)}`;
    const message =
      this.#ask.route === 'chat'
        ? `"message":{"role":"assistant","content":${content}${thought}${calls}},`
        : `"response":${content}${thought},`;
    const logprobs = this.#ask.logprobs
      ? { logprobs: [...thinking, ...text].map((token) => this.#logprob(token)) }
      : {};
    return `${this.#head}${message}${JSON.stringify({ ...this.#end(measured), ...logprobs }).slice(1)}`;
  }

  #token(content: string, more: string, token: string | undefined): string {
    const logprobs =
      this.#ask.logprobs && token !== undefined ? `,"logprobs":${JSON.stringify([this.#logprob(token)])}` : '';
    return `${this.#textStart}${content}${more}${this.#textEnd}${logprobs}}\n`;
  }

  #end({ totalMs, loadMs, prefillMs, decodeMs }: Measured): JsonObject {
    const ask = this.#ask;
    return {
      done: true,
      done_reason: this.#composed.doneReason,
      ...(ask.route === 'generate' && !ask.raw && { context: contextOf(ask, this.#composed) }),
      total_duration: toNs(totalMs),
      load_duration: toNs(loadMs),
      prompt_eval_count: ask.promptTokens,
      prompt_eval_duration: toNs(prefillMs),
      eval_count: this.#composed.evalCount,
      eval_duration: toNs(decodeMs),
    };
  }

  #logprob(token: string): JsonObject {
    const one = (text: string, logprob: number): Record<string, JsonValue> => ({
      token: text,
      logprob,
      bytes: [...Buffer.from(text)],
    });
    // Between -0.01 and -1, the same for the same token: a likely first choice, as a model at low temperature has.
    const logprob = -0.01 - (hashText(token) % 100) / 101;
    const chosen = one(token, logprob);
    if (this.#ask.topLogprobs === 0) return chosen;
    const others = Array.from({ length: this.#ask.topLogprobs - 1 }, (_, i) =>
      one(`${token}~${i + 1}`, logprob - 1 - i),
    );
    return { ...chosen, top_logprobs: [one(token, logprob), ...others] };
  }
}

/** Never 0: some clients divide by it. */
const toNs = (ms: number): number => Math.max(1, Math.round(ms * 1e6));

/** A vocabulary of Llama's size, for ids that look like ids. */
const vocabulary = 32_000;

function contextOf(ask: Ask, composed: Composed): number[] {
  const ids = [...ask.context];
  for (const { content } of ask.messages) {
    for (let at = 0; at < content.length && ids.length < ask.numCtx; at += 4)
      ids.push(hashText(content.slice(at, at + 4)) % vocabulary);
  }
  for (const token of composed.text) ids.push(hashText(token) % vocabulary);
  return ids.slice(-ask.numCtx);
}
