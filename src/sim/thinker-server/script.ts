/**
 * Responses written byte by byte by a test: what a server sends, where its chunks begin, and how it ends.
 * A scripted model answers its next requests from its script, whatever was asked.
 */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../core/clock.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import { modelName } from '../../core/ids.ts';
import { resetSocket } from '../../core/reset-socket.ts';
import { HttpError, ndjsonType } from './http.ts';

export type ScriptStep =
  /** One chunk: flushed before the next step begins. */
  | { readonly write: string }
  /** The same for bytes that are no text, such as half a character. */
  | { readonly writeBase64: string }
  | { readonly delayMs: number }
  /** Waits until `release(name)`. */
  | { readonly hold: string }
  /** How it ends; without one of these, as `end`. `destroy` closes the socket, `reset` sends a TCP reset. */
  | { readonly finish: 'end' | 'destroy' | 'reset' | 'hang' };

export interface ScriptedResponse {
  /** 200 when absent. */
  readonly status?: number;
  /** `content-type: application/x-ndjson` when absent. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly steps: readonly ScriptStep[];
}

export interface Script {
  readonly model: string;
  readonly responses: readonly ScriptedResponse[];
}

/** More scripted responses than this are a loop that forgot to end. */
const responsesMax = 100_000;

export class Scripts {
  readonly #clock: Clock;
  readonly #queues = new Map<string, ScriptedResponse[]>();
  readonly #holds = new Map<string, (() => void)[]>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get empty(): boolean {
    return this.#count === 0;
  }

  add({ model, responses }: Script): void {
    if (this.#count + responses.length > responsesMax) throw new Error(`over ${responsesMax} scripted responses wait`);
    this.#count += responses.length;
    const key = modelName(model);
    this.#queues.set(key, [...(this.#queues.get(key) ?? []), ...responses]);
  }

  take(model: string): ScriptedResponse | undefined {
    const next = this.#queues.get(modelName(model))?.shift();
    if (next) this.#count--;
    return next;
  }

  /** Lets every response that waits at this hold go on. @returns how many did. */
  release(name: string): number {
    const waiting = this.#holds.get(name) ?? [];
    this.#holds.delete(name);
    for (const go of waiting) go();
    return waiting.length;
  }

  reset(): void {
    this.#queues.clear();
    this.#holds.clear();
    this.#count = 0;
  }

  play(scripted: ScriptedResponse, response: ServerResponse): void {
    const begin = () => {
      if (response.headersSent) return;
      response.writeHead(scripted.status ?? 200, scripted.headers ?? { 'content-type': ndjsonType });
    };
    const run = (at: number): void => {
      if (response.destroyed) return;
      const step = scripted.steps[at] ?? { finish: 'end' };
      const next = () => run(at + 1);
      if ('write' in step || 'writeBase64' in step) {
        begin();
        const chunk = 'write' in step ? Buffer.from(step.write) : Buffer.from(step.writeBase64, 'base64');
        if (chunk.length === 0) return next();
        // The next chunk waits for a turn of the loop, so that the kernel sees two writes.
        response.write(chunk, () => setImmediate(next));
      } else if ('delayMs' in step) {
        begin();
        response.flushHeaders();
        this.#clock.after(step.delayMs, next);
      } else if ('hold' in step) {
        const waiting = this.#holds.get(step.hold) ?? [];
        waiting.push(next);
        this.#holds.set(step.hold, waiting);
      } else {
        this.#finish(step.finish, response, begin);
      }
    };
    run(0);
  }

  #finish(finish: 'end' | 'destroy' | 'reset' | 'hang', response: ServerResponse, begin: () => void): void {
    switch (finish) {
      case 'end':
        begin();
        response.end();
        return;
      case 'destroy':
        response.destroy();
        return;
      case 'reset':
        if (response.socket) resetSocket(response.socket);
        return;
      default:
    }
  }
}

/** @throws HttpError 400 naming what is wrong with the script. */
export function readScript(body: JsonObject): Script {
  const { model, responses } = body;
  if (typeof model !== 'string' || model === '') throw new HttpError(400, 'script.model: expected the name of a model');
  if (!Array.isArray(responses)) throw new HttpError(400, 'script.responses: expected an array');
  for (const [i, scripted] of responses.entries()) {
    if (!isJsonObject(scripted) || !Array.isArray(scripted['steps']) || !scripted['steps'].every(isStep))
      throw new HttpError(
        400,
        `script.responses[${i}].steps: expected objects of {write}, {writeBase64}, {delayMs}, {hold} or {finish: end|destroy|reset|hang}`,
      );
  }
  return { model, responses: responses as readonly ScriptedResponse[] };
}

function isStep(step: JsonValue): boolean {
  if (!isJsonObject(step)) return false;
  return (
    typeof step['write'] === 'string' ||
    typeof step['writeBase64'] === 'string' ||
    typeof step['delayMs'] === 'number' ||
    typeof step['hold'] === 'string' ||
    ['end', 'destroy', 'reset', 'hang'].includes(step['finish'] as string)
  );
}
