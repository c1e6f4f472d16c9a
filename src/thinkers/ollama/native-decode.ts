/** Lines of `/api/chat` and `/api/generate` as neutral events. */
import type { AnswerSink, FinishReason } from '../../core/chat.ts';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import { epochMs, type EpochMs } from '../../core/units.ts';
import { inBandError } from './upstream-errors.ts';

/** What a line meant for the stream: `more` lines may follow, the answer is `done`, or it failed. */
export type LineOutcome = 'more' | 'done' | AppError;

export interface NativeDecoderOptions {
  readonly kind: 'chat' | 'generate';
  /** Which model was asked: lines that begin as its lines do are known before the first has been parsed. */
  readonly model?: string;
  readonly sink: AnswerSink;
  readonly clock: Clock;
  readonly thinkerName: string;
  /** Asked after each event: a reader that left in the middle of a line hears no more of it. */
  readonly call: { readonly open: boolean };
}

type DeltaType = 'text-delta' | 'thinking-delta';

/** Emits `start` once, then the deltas of each line in reading order (thinking, text, tool calls), then `end`. */
export class NativeDecoder {
  readonly #options: NativeDecoderOptions;
  /** How the lines of this answer begin; undefined until known. */
  #lineBegin: LineBegin | undefined;
  #started = false;
  #sawToolCall = false;

  constructor(options: NativeDecoderOptions) {
    this.#options = options;
    if (options.model !== undefined) this.#lineBegin = lineBegins[options.kind].of(options.model);
  }

  get started(): boolean {
    return this.#started;
  }

  line(text: string): LineOutcome {
    if (this.run(text, 0) >= text.length) return 'more';
    let row: JsonValue;
    try {
      row = JSON.parse(text) as JsonValue;
    } catch (cause) {
      return this.#malformed(text, cause);
    }
    if (!isJsonObject(row)) return this.#malformed(text, undefined);
    const error = row['error'];
    if (error !== undefined) return inBandError(this.#options.thinkerName, error, this.#started);
    if (!this.#started) {
      const model = row['model'];
      this.#lineBegin = typeof model === 'string' ? lineBegins[this.#options.kind].of(model) : undefined;
      this.#start(typeof model === 'string' ? model : '', row['created_at']);
      if (!this.#options.call.open) return 'more';
    }
    if (this.#options.kind === 'chat') {
      const message = row['message'];
      if (isJsonObject(message)) this.#deltas(message, message['content'], row['logprobs']);
    } else {
      this.#deltas(row, row['response'], row['logprobs']);
    }
    if (row['done'] !== true) return 'more';
    if (this.#options.call.open) this.#end(row);
    return 'done';
  }

  /**
   * Reads lines that hold nothing but text or thinking, letter for letter as Ollama writes them, and tells
   * those of one kind in one event. Nearly all lines are such, and parsing them as JSON is what an answer costs most.
   * @param from where a line begins
   * @returns where the first other line begins; the length of `text` or more when there is none
   */
  run(text: string, from: number): number {
    const lineBegin = this.#lineBegin;
    if (lineBegin === undefined) return from;
    const { matches, follows } = lineBegin;
    const { tail } = plainLines[this.#options.kind];
    let type: DeltaType = 'text-delta';
    let pieces: string[] = [];
    let at = from;
    matches.lastIndex = from;
    let begin = matches.test(text) ? matches.lastIndex : -1;
    while (begin !== -1) {
      let plain = plainEnd(text, begin);
      let lineType: DeltaType = 'text-delta';
      if (plain === begin && text.startsWith(thinkingMiddle, begin)) {
        lineType = 'thinking-delta';
        begin += thinkingMiddle.length;
        plain = plainEnd(text, begin);
      }
      const end = stringEnd(text, plain);
      // Most lines are followed by one of their kind: one look tells that this one ends and the next begins.
      follows.lastIndex = end;
      const nextBegin = follows.test(text) ? follows.lastIndex : -1;
      const next = end + tail.length;
      if (nextBegin === -1 && !(text.startsWith(tail, end) && (next >= text.length || text[next] === '\n'))) break;
      const piece = end === plain ? text.slice(begin, end) : unescaped(text, begin, end);
      if (piece === undefined) break;
      if (!this.#started) {
        const instantAt = at + lineBegin.instantAt;
        this.#start(lineBegin.model, text.slice(instantAt, text.indexOf('"', instantAt)));
        if (!this.#options.call.open) return at;
      }
      if (lineType !== type) {
        this.#tell(type, pieces);
        // A reader that left is told no more; whoever called us asks for that too.
        if (!this.#options.call.open) return at;
        type = lineType;
        pieces = [];
      }
      if (piece !== '') pieces.push(piece);
      at = next + 1;
      begin = nextBegin;
    }
    this.#tell(type, pieces);
    return at;
  }

  #start(model: string, createdAt: JsonValue | undefined): void {
    this.#started = true;
    const { sink, clock } = this.#options;
    sink.event({ type: 'start', model, createdAt: parseInstant(createdAt, clock) });
  }

  #tell(type: DeltaType, pieces: readonly string[]): void {
    if (pieces.length === 0) return;
    if (pieces.length === 1) return this.#options.sink.event({ type, text: pieces[0]! });
    let text = '';
    for (const piece of pieces) text += piece;
    this.#options.sink.event({ type, text, pieces });
  }

  #deltas(message: JsonObject, content: JsonValue | undefined, logprobs: JsonValue | undefined): void {
    const { sink, call } = this.#options;
    const thinking = message['thinking'];
    if (typeof thinking === 'string' && thinking !== '') {
      sink.event({ type: 'thinking-delta', text: thinking });
      if (!call.open) return;
    }
    const text = typeof content === 'string' ? content : '';
    if (Array.isArray(logprobs) && logprobs.length > 0) {
      sink.event({ type: 'text-delta', text, logprobs: logprobs as readonly JsonValue[] });
    } else if (text !== '') {
      sink.event({ type: 'text-delta', text });
    }
    const calls = message['tool_calls'];
    if (Array.isArray(calls)) this.#toolCalls(calls as readonly JsonValue[]);
  }

  #toolCalls(rows: readonly JsonValue[]): void {
    for (const row of rows) {
      if (!this.#options.call.open) return;
      const fn = isJsonObject(row) ? row['function'] : undefined;
      if (!isJsonObject(row) || !isJsonObject(fn)) continue;
      const id = row['id'];
      const name = fn['name'];
      const args = fn['arguments'];
      this.#sawToolCall = true;
      this.#options.sink.event({
        type: 'tool-call',
        call: {
          ...(typeof id === 'string' && id !== '' && { id }),
          name: typeof name === 'string' ? name : '',
          // Some servers send the text of the object instead of the object.
          argumentsJson: typeof args === 'string' ? args : JSON.stringify(args ?? {}),
        },
      });
    }
  }

  #end(row: JsonObject): void {
    const context = row['context'];
    const reason = row['done_reason'];
    this.#options.sink.event({
      type: 'end',
      finishReason: this.#finishReason(reason),
      ...((typeof reason !== 'string' || reason === '') && { reasonMissing: true }),
      usage: { promptTokens: count(row['prompt_eval_count']), completionTokens: count(row['eval_count']) },
      timings: {
        totalNs: count(row['total_duration']),
        loadNs: count(row['load_duration']),
        promptEvalNs: count(row['prompt_eval_duration']),
        evalNs: count(row['eval_duration']),
      },
      ...(Array.isArray(context) && { context: context as readonly number[] }),
    });
  }

  #finishReason(reason: JsonValue | undefined): FinishReason {
    switch (reason) {
      case 'length':
      case 'load':
      case 'unload':
        return reason;
      default:
        return this.#sawToolCall ? 'tool-calls' : 'stop';
    }
  }

  /** The line itself stays out of the message: it may hold what the user asked for in confidence. */
  #malformed(text: string, cause: unknown): AppError {
    const looks = text.trimStart().startsWith('<') ? ' (a web page; is the URL that of an Ollama server?)' : '';
    return new AppError(
      'upstream_broken_stream',
      `thinker ${this.#options.thinkerName} sent a line of ${text.length} characters that is not a JSON object${looks}`,
      { cause },
    );
  }
}

/** What stands between the instant and the text of a line, and behind it. */
const plainLines = {
  chat: { middle: '","message":{"role":"assistant","content":"', tail: '"},"done":false}' },
  generate: { middle: '","response":"', tail: '","done":false}' },
} as const;

/**
 * What stands before the text of each line of a model: between two lines only the instant differs. A compiled expression
 * compares those hundred letters five times faster than `startsWith` does, so each is made once.
 */
interface LineBegin {
  readonly model: string;
  /** Sticky, as is `follows`: set `lastIndex` first. */
  readonly matches: RegExp;
  /** From the end of one line's text to the beginning of the next line's. */
  readonly follows: RegExp;
  /** Of the instant, from the beginning of a line. */
  readonly instantAt: number;
}

class LineBegins {
  readonly #middle: string;
  readonly #tail: string;
  readonly #known = new Map<string, LineBegin>();

  constructor({ middle, tail }: (typeof plainLines)[keyof typeof plainLines]) {
    this.#middle = middle;
    this.#tail = tail;
  }

  /** @returns undefined where the name is too long for one: the lines are then parsed one by one */
  of(model: string): LineBegin | undefined {
    const known = this.#known.get(model);
    if (known) return known;
    const head = `{"model":${JSON.stringify(model)},"created_at":"`;
    if (head.length > headLettersMax) return undefined;
    // What is dropped is made again.
    if (this.#known.size >= beginsMax) this.#known.clear();
    // As few letters as will do: taking many and giving back costs three times as much.
    const instant = `[^"\\\\\\x00-\\x1f]*?`;
    const begin = `${escaped(head)}${instant}${escaped(this.#middle)}`;
    const made = {
      model,
      matches: new RegExp(begin, 'y'),
      follows: new RegExp(`${escaped(this.#tail)}\\n${begin}`, 'y'),
      instantAt: head.length,
    };
    this.#known.set(model, made);
    return made;
  }
}

const beginsMax = 256;
const headLettersMax = 256;
const lineBegins = { chat: new LineBegins(plainLines.chat), generate: new LineBegins(plainLines.generate) };
const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** What stands before the thinking of a line without text. */
const thinkingMiddle = '","thinking":"';

const quote = 0x22;
const backslash = 0x5c;

/** The first quote, backslash or control character at or after `from`, or the end: all before it stands for itself in JSON. */
function plainEnd(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote || code === backslash || code < 0x20) break;
  }
  return at;
}

/** Where the JSON string ends of which all before `plain` stands for itself: at its closing quote, or at what cannot stand in one. */
function stringEnd(text: string, plain: number): number {
  let at = plain;
  while (text.charCodeAt(at) === backslash) at = plainEnd(text, at + 2);
  return at;
}

/** @returns undefined for an escape that JSON does not know: the line is left to those who say what is wrong */
function unescaped(text: string, from: number, to: number): string | undefined {
  try {
    return JSON.parse(text.slice(from - 1, to + 1)) as string;
  } catch {
    return undefined;
  }
}

/** Counts may be missing: a prompt that was all in the KV cache is reported as none. */
const count = (value: JsonValue | undefined): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;

function parseInstant(value: JsonValue | undefined, clock: Clock): EpochMs {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(at) ? clock.now() : epochMs(at);
}
