/** Chat, generate and the two embedding routes. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { JsonObject } from '../../core/json.ts';
import { resetSocket } from '../../core/reset-socket.ts';
import type { ThinkerProfile } from '../profiles.ts';
import { composeAnswer, type Wits } from './answer.ts';
import { keepAliveMs, objectOf, readAsk, runnerNeed, stringOf, type Ask } from './ask.ts';
import { asFloat32, Embedder, normalised } from './embedding.ts';
import { contextLengthMessage, parseFault, strikes, type Fault } from './faults.ts';
import { Generation, type CancelNotice } from './generation.ts';
import { HttpError, sendJson } from './http.ts';
import { isValidModelName, type StoredModel } from './models.ts';
import type { Runner, RunnerLease } from './runner.ts';
import type { Scripts } from './script.ts';
import { tokenCount } from './words.ts';

export interface InferenceDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly profile: ThinkerProfile;
  readonly cancelNotice: CancelNotice;
  readonly wits: Wits;
  readonly runner: Runner;
  readonly scripts: Scripts;
  readonly faults: boolean;
  readonly findModel: (name: string) => StoredModel | undefined;
}

export interface InferenceStats {
  /** Chat and generate requests accepted to be answered, whether they wait, run or have ended. */
  answers: number;
  completed: number;
  /** Stopped because the client left, in the queue or while generating. */
  cancelled: number;
  /** Ended by a fault. */
  failed: number;
  /** Tokens generated, also those of answers that were cancelled or cut. */
  tokensMade: number;
  textsEmbedded: number;
  faultsStruck: number;
  scriptsPlayed: number;
}

const freshStats = (): InferenceStats => ({
  answers: 0,
  completed: 0,
  cancelled: 0,
  failed: 0,
  tokensMade: 0,
  textsEmbedded: 0,
  faultsStruck: 0,
  scriptsPlayed: 0,
});

/** Model names a `-once` or `flap` fault counts requests for; the oldest is forgotten beyond this. */
const countedNamesMax = 1_000;

export class Inference {
  readonly #deps: InferenceDeps;
  readonly #embedder = new Embedder();
  readonly #running = new Set<Generation>();
  readonly #seen = new Map<string, number>();
  stats = freshStats();

  constructor(deps: InferenceDeps) {
    this.#deps = deps;
  }

  reset(): void {
    this.#seen.clear();
    this.stats = freshStats();
  }

  abortAll(): void {
    for (const generation of this.#running) generation.abort();
  }

  answer(route: 'chat' | 'generate', body: JsonObject, response: ServerResponse): void {
    const { clock } = this.#deps;
    const startedMs = clock.monotonicMs();
    const name = stringOf(body, 'model');
    if (!isValidModelName(name)) {
      throw route === 'chat' ? new HttpError(400, 'model is required') : modelNotFound(name);
    }
    if (this.#playScript(name, response)) return;
    const fault = this.#faultFor(name);
    if (fault && this.#applyBefore(fault, name, response)) return;
    const model = this.#model(name);
    const ask = readAsk(route, body, model);
    if (ask.loadOnly && ask.keepAliveMs === 0) {
      this.#deps.runner.unload(model.name);
      return sendJson(response, 200, this.#loadAnswer(ask, 'unload'));
    }
    if (body['_debug_render_only'] === true) return sendJson(response, 200, this.#rendered(ask));
    if (!ask.loadOnly) this.stats.answers++;
    const forcedLoadMs = fault?.kind === 'cold' ? { forcedLoadMs: fault.ms } : {};
    this.#withLease({ ...ask, ...forcedLoadMs }, response, (lease) => {
      if (ask.loadOnly) {
        lease.release();
        return sendJson(response, 200, this.#loadAnswer(ask, 'load'));
      }
      this.#generate({ ask, response, lease, fault, startedMs });
    });
  }

  embed(body: JsonObject, response: ServerResponse): void {
    const name = stringOf(body, 'model');
    if (!isValidModelName(name)) throw modelNotFound(name);
    const texts = embedInput(body['input']);
    const dimensions = typeof body['dimensions'] === 'number' ? body['dimensions'] : 0;
    this.#embed({ name, body, response, texts }, (model, embedded) =>
      sendJson(response, 200, {
        model: name,
        embeddings: embedded.vectors.map((vector) =>
          normalised(vector, dimensions > 0 && dimensions < model.embeddingLength ? dimensions : model.embeddingLength),
        ),
        ...(texts.length > 0 && {
          total_duration: embedded.totalNs,
          load_duration: embedded.loadNs,
          prompt_eval_count: embedded.tokens,
        }),
      }),
    );
  }

  /** The older route: one text, and the vector as the model pools it, not normalised. */
  embeddings(body: JsonObject, response: ServerResponse): void {
    const name = stringOf(body, 'model');
    if (!isValidModelName(name)) throw new HttpError(400, 'model is required');
    const prompt = stringOf(body, 'prompt');
    this.#embed({ name, body, response, texts: prompt === '' ? [] : [prompt] }, (_, { vectors }) =>
      sendJson(response, 200, { embedding: vectors.length === 0 ? [] : Array.from(vectors[0]!, asFloat32) }),
    );
  }

  #embed(
    call: { name: string; body: JsonObject; response: ServerResponse; texts: readonly string[] },
    done: (
      model: StoredModel,
      embedded: { vectors: Float64Array[]; tokens: number; totalNs: number; loadNs: number },
    ) => void,
  ): void {
    const { clock, profile } = this.#deps;
    const { name, body, response, texts } = call;
    const startedMs = clock.monotonicMs();
    if (this.#playScript(name, response)) return;
    const fault = this.#faultFor(name);
    if (fault && this.#applyBefore(fault, name, response)) return;
    // A vector has no tokens to cut after: the faults of a stream become those of a whole answer.
    if (fault && 'tokens' in fault) return this.#failWhole(fault.kind, response);
    const model = this.#model(name);
    const need = runnerNeed(model, objectOf(body, 'options'));
    let tokens = 0;
    for (const text of texts) {
      const count = tokenCount(text) + 2;
      if (count > need.numCtx && body['truncate'] === false) throw new HttpError(400, contextLengthMessage);
      tokens += Math.min(count, need.numCtx);
    }
    const forcedLoadMs = fault?.kind === 'cold' ? { forcedLoadMs: fault.ms } : {};
    this.#withLease(
      { model, ...need, ...forcedLoadMs, keepAliveMs: keepAliveMs(body['keep_alive']) },
      response,
      (lease) => {
        const finish = () => {
          lease.release();
          if (response.destroyed) {
            this.stats.cancelled++;
            return;
          }
          this.stats.textsEmbedded += texts.length;
          const vectors = texts.map((text) =>
            this.#embedder.embed(text.slice(0, need.numCtx * 4), model.embeddingLength),
          );
          const totalNs = Math.max(1, Math.round((clock.monotonicMs() - startedMs) * 1e6));
          done(model, { vectors, tokens, totalNs, loadNs: Math.max(1, Math.round(lease.loadMs * 1e6)) });
        };
        const slowFirstMs = fault?.kind === 'slow-first' ? fault.ms : undefined;
        // An embedding is one prefill of a small model: a tenth of the time to a first token.
        const waitMs = slowFirstMs ?? profile.ttftBaseMs / 10 + (tokens / profile.prefillTokensPerSecond) * 100;
        if (texts.length === 0 || waitMs <= 0) finish();
        else clock.after(waitMs, finish);
      },
    );
  }

  #generate(run: {
    ask: Ask;
    response: ServerResponse;
    lease: RunnerLease;
    fault: Fault | undefined;
    startedMs: number;
  }): void {
    const generation = new Generation(this.#deps, {
      ...run,
      composed: composeAnswer(run.ask, this.#deps.random, this.#deps.wits),
      ended: (outcome, tokens) => {
        this.stats[outcome]++;
        this.stats.tokensMade += tokens;
        this.#running.delete(generation);
      },
    });
    this.#running.add(generation);
    generation.start();
  }

  /** Leaves the queue when the client does; a model that loads for it goes on loading. */
  #withLease(
    need: Parameters<Runner['acquire']>[0],
    response: ServerResponse,
    ready: (lease: RunnerLease) => void,
  ): void {
    let started = false;
    let leave = () => {};
    const onClose = () => {
      if (started) return;
      leave();
      this.stats.cancelled++;
    };
    leave = this.#deps.runner.acquire(need, (lease) => {
      started = true;
      response.off('close', onClose);
      // The queue is pumped when others end: what goes wrong here must not reach them.
      try {
        ready(lease);
      } catch (error) {
        lease.release();
        sendJson(response, 500, { error: error instanceof Error ? error.message : String(error) });
      }
    });
    if (!started) response.on('close', onClose);
  }

  #model(name: string): StoredModel {
    const model = this.#deps.findModel(name);
    if (!model) throw modelNotFound(name);
    return model;
  }

  #loadAnswer(ask: Ask, reason: 'load' | 'unload'): JsonObject {
    return {
      model: ask.modelName,
      created_at: new Date(this.#deps.clock.now()).toISOString(),
      ...(ask.route === 'chat' ? { message: { role: 'assistant', content: '' } } : { response: '' }),
      done: true,
      done_reason: reason,
    };
  }

  /** What the model would have read; nothing is generated. */
  #rendered(ask: Ask): JsonObject {
    return {
      model: ask.modelName,
      created_at: new Date(this.#deps.clock.now()).toISOString(),
      _debug_info: {
        rendered_template: ask.messages
          .map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>`)
          .join('\n'),
        image_count: ask.messages.reduce((sum, { imageHashes }) => sum + imageHashes.length, 0),
      },
    };
  }

  #playScript(name: string, response: ServerResponse): boolean {
    if (this.#deps.scripts.empty) return false;
    const scripted = this.#deps.scripts.take(name);
    if (!scripted) return false;
    this.stats.scriptsPlayed++;
    this.#deps.scripts.play(scripted, response);
    return true;
  }

  #faultFor(name: string): Fault | undefined {
    if (!this.#deps.faults) return undefined;
    const plan = parseFault(name);
    if (!plan) return undefined;
    const key = name.toLowerCase();
    const nth = (this.#seen.get(key) ?? 0) + 1;
    if (nth === 1 && this.#seen.size >= countedNamesMax) this.#seen.delete(this.#seen.keys().next().value!);
    this.#seen.set(key, nth);
    if (!strikes(plan.when, nth)) return undefined;
    this.stats.faultsStruck++;
    return plan.fault;
  }

  /** @returns true when the fault is the whole answer. */
  #applyBefore(fault: Fault, name: string, response: ServerResponse): boolean {
    switch (fault.kind) {
      case 'status':
        if (fault.retryAfterS !== undefined) response.setHeader('retry-after', String(fault.retryAfterS));
        throw fault.status === 404 ? modelNotFound(name) : new HttpError(fault.status, fault.message);
      case 'html':
        response.writeHead(fault.status, { 'content-type': 'text/html' });
        response.end('<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n');
        return true;
      case 'reset':
        if (response.socket) resetSocket(response.socket);
        return true;
      case 'silent':
        return true;
      default:
        return false;
    }
  }

  #failWhole(kind: string, response: ServerResponse): void {
    this.stats.failed++;
    if (kind === 'cut') response.destroy();
    else if (kind === 'inband-error') sendJson(response, 500, { error: 'simulated error of the runner' });
    else if (kind === 'stall') response.flushHeaders();
    else {
      response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
      response.end('{"model":"x","embeddings":[[0.1,');
    }
  }
}

export const modelNotFound = (name: string): HttpError => new HttpError(404, `model '${name}' not found`);

function embedInput(input: JsonObject[string] | undefined): string[] {
  if (input === undefined || input === null || input === '') return [];
  if (typeof input === 'string') return [input];
  if (!Array.isArray(input) || !input.every((one) => typeof one === 'string'))
    throw new HttpError(400, 'invalid input type');
  return input;
}
