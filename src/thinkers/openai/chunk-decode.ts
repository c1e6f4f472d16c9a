/** The stream of `chat.completion.chunk` as neutral events. */
import type { FinishReason, ToolCall, Usage } from '../../core/chat.ts';
import { AppError } from '../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { LineDecoder } from '../ollama/answer-call.ts';
import type { LineOutcome, NativeDecoderOptions } from '../ollama/native-decode.ts';
import { inBandError } from '../ollama/upstream-errors.ts';

/** More calls in one answer are a fault of the server. */
const toolCallsMax = 128;

/** Emits `start` with the first chunk, text as it comes, whole tool calls and `end` with `[DONE]`. */
export class ChunkDecoder implements LineDecoder {
  readonly #options: NativeDecoderOptions;
  readonly #calls = new Map<number, { id: string; name: string; argumentsJson: string }>();
  readonly #beganMs: number;
  #finish: string | undefined;
  #usage: Usage = { promptTokens: 0, completionTokens: 0 };
  started = false;

  constructor(options: NativeDecoderOptions) {
    this.#options = options;
    this.#beganMs = options.clock.monotonicMs();
  }

  run(_text: string, from: number): number {
    return from;
  }

  line(text: string): LineOutcome {
    const line = text.trim();
    // Comments keep the connection alive; names of events say nothing that the data does not.
    if (/^(:|event:|id:|retry:)/.test(line)) return 'more';
    if (!line.startsWith('data:')) return this.#broken('sent a line that is not an event of a stream');
    const data = line.slice('data:'.length).trim();
    if (data === '[DONE]') return this.#done();
    let row: JsonValue;
    try {
      row = JSON.parse(data) as JsonValue;
    } catch {
      return this.#broken(`sent ${data.length} characters that are not JSON`);
    }
    if (!isJsonObject(row)) return this.#broken('sent a chunk that is not an object');
    if (row['error'] !== undefined && row['error'] !== null)
      return inBandError(this.#options.thinkerName, row['error'], this.started);
    this.#chunk(row);
    return 'more';
  }

  #chunk(row: JsonObject): void {
    const { sink, clock, call } = this.#options;
    if (!this.started) {
      this.started = true;
      const { model } = row;
      sink.event({ type: 'start', model: typeof model === 'string' ? model : '', createdAt: clock.now() });
    }
    if (isJsonObject(row['usage'] ?? null)) this.#usage = usageOf(row['usage'] as JsonObject);
    const choices = row['choices'];
    const choice = Array.isArray(choices) ? (choices as readonly JsonValue[])[0] : undefined;
    if (choice === undefined || !isJsonObject(choice)) return;
    if (typeof choice['finish_reason'] === 'string') this.#finish = choice['finish_reason'];
    const delta = choice['delta'];
    if (delta === undefined || !isJsonObject(delta)) return;
    const thinking = delta['reasoning_content'] ?? delta['reasoning'];
    if (call.open && typeof thinking === 'string' && thinking !== '')
      sink.event({ type: 'thinking-delta', text: thinking });
    const { content, refusal } = delta;
    const text = typeof content === 'string' && content !== '' ? content : refusal;
    if (call.open && typeof text === 'string' && text !== '') sink.event({ type: 'text-delta', text });
    const calls = delta['tool_calls'];
    if (Array.isArray(calls)) for (const part of calls as readonly JsonValue[]) this.#callPart(part);
  }

  /** A call comes in pieces, told apart by their index. */
  #callPart(part: JsonValue): void {
    if (!isJsonObject(part)) return;
    const index = typeof part['index'] === 'number' ? part['index'] : this.#calls.size;
    let call = this.#calls.get(index);
    if (call === undefined) {
      if (this.#calls.size >= toolCallsMax) return;
      this.#calls.set(index, (call = { id: '', name: '', argumentsJson: '' }));
    }
    const fn = part['function'];
    if (typeof part['id'] === 'string' && part['id'] !== '') call.id = part['id'];
    if (fn === undefined || !isJsonObject(fn)) return;
    if (typeof fn['name'] === 'string') call.name += fn['name'];
    if (typeof fn['arguments'] === 'string') call.argumentsJson += fn['arguments'];
  }

  #done(): LineOutcome {
    const { sink, clock, call } = this.#options;
    if (this.#finish === undefined) return this.#broken('ended its answer without a `finish_reason`');
    for (const { id, name, argumentsJson } of this.#calls.values()) {
      if (!call.open) return 'done';
      const whole: ToolCall = { ...(id !== '' && { id }), name, argumentsJson: argumentsJson || '{}' };
      sink.event({ type: 'tool-call', call: whole });
    }
    if (!call.open) return 'done';
    sink.event({
      type: 'end',
      finishReason: finishOf(this.#finish, this.#calls.size > 0),
      usage: this.#usage,
      // What it took there is not told; only how long we waited.
      timings: { totalNs: (clock.monotonicMs() - this.#beganMs) * 1e6, loadNs: 0, promptEvalNs: 0, evalNs: 0 },
    });
    return 'done';
  }

  #broken(what: string): AppError {
    return new AppError('upstream_broken_stream', `${this.#options.thinkerName} ${what}`);
  }
}

function finishOf(reason: string, called: boolean): FinishReason {
  if (reason === 'length') return 'length';
  return called ? 'tool-calls' : 'stop';
}

const usageOf = (usage: JsonObject): Usage => ({
  promptTokens: countOf(usage['prompt_tokens']),
  completionTokens: countOf(usage['completion_tokens']),
});

const countOf = (value: JsonValue | undefined): number =>
  typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
