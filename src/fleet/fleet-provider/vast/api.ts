/** Calls to the market: waits its turn, tries again what may be tried again, and says what went wrong in our words. */
import type { z } from 'zod';
import type { CallOptions } from '../../../core/chat.ts';
import type { Clock } from '../../../core/clock.ts';
import { AppError } from '../../../core/errors.ts';
import type { Random } from '../../../core/random.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { createHttpClient, type HttpClient, type Reply } from './http.ts';
import { backoffMs, RateGate, routes, type Route } from './rate.ts';
import type { Redactor } from './redact.ts';
import { errorSchema } from './wire.ts';

export interface ApiOptions {
  readonly url: string;
  readonly key: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly redactor: Redactor;
  /** Longest wait for one answer. */
  readonly timeoutMs: number;
  /** Tries of a call that may be repeated. */
  readonly triesMax: number;
}

export interface ApiCall<T> {
  readonly route: Route;
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: object;
  readonly schema: z.ZodType<T>;
  /** `once`: it may have been done although no answer came, so only a refusal is tried again. */
  readonly repeat: 'safe' | 'once';
  /** In the body, and perhaps sent back. */
  readonly secrets?: readonly string[];
}

/** It does not exist, or not any more: what that means depends on the call. */
export class NotThere extends Error {
  readonly slug: string;

  constructor(slug: string, words: string) {
    super(words);
    this.slug = slug;
  }
}

export interface Api {
  /** @throws NotThere | AppError provider_unavailable | provider_refused | aborted */
  call<T>(call: ApiCall<T>, options: CallOptions): Promise<T>;
  /** A file that the market put elsewhere: no key is sent there. undefined while it is not there. */
  file(url: string, options: CallOptions): Promise<string | undefined>;
  close(): Promise<void>;
}

/** 64 offers with all their fields are 200 kB; a page of instances with their scripts a little more. */
const answerBytesMax = 16 * 1024 * 1024;
const fileBytesMax = 4 * 1024 * 1024;
/** Hex keys, and blanks that came along when one was pasted. */
const keyRemedy = 'check the key in SELFHOST_VAST_API_KEY or fleet.vast.keyFile, and its permissions';
const creditRemedy = 'add credit to the account';

export function createApi(options: ApiOptions): Api {
  const { clock, random, logger, redactor, triesMax } = options;
  const url = new URL(options.url);
  const prefix = url.pathname.replace(/\/+$/, '');
  const http = createHttpClient(url.origin, clock);
  const gate = new RateGate(clock);

  const once = async <T>(call: ApiCall<T>, signal: AbortSignal): Promise<Outcome<T>> => {
    let reply: Reply;
    const startedMs = clock.monotonicMs();
    try {
      reply = await http.exchange({
        method: call.method,
        path: prefix + call.path,
        headers: {
          authorization: `Bearer ${options.key}`,
          accept: 'application/json',
          ...(call.body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
        timeoutMs: options.timeoutMs,
        bodyBytesMax: answerBytesMax,
        signal,
      });
    } catch (error) {
      if (signal.aborted) throw aborted();
      const why = redactor.words((error as Error).message || String(error));
      logger.debug({ route: call.route, why }, 'market did not answer');
      return { kind: 'broken', error: unavailable(`the GPU market at ${url.origin} did not answer: ${why}`) };
    }
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    logger.debug({ route: call.route, status: reply.status, tookMs }, 'market answered');
    return judge(call, reply);
  };

  const judge = <T>(call: ApiCall<T>, { status, text }: Reply): Outcome<T> => {
    const words = redactor.words(wordsOf(text), { ...(call.secrets && { more: call.secrets }) });
    const said = words === '' ? `HTTP ${status}` : `HTTP ${status}: ${words}`;
    if (status === 429) {
      const stated = Number(/threshold=([\d.]+)/.exec(text)?.[1]) * 1_000;
      const thresholdMs = Math.max(routes[call.route].thresholdMs, Number.isFinite(stated) ? stated : 0);
      return { kind: 'limited', thresholdMs, error: unavailable(`the GPU market limits our calls (${said})`) };
    }
    const body = parseJson(text);
    const failed = status >= 300 || (isRecord(body) && body['success'] === false);
    if (failed) return failure(status, slugOf(body), said);
    const parsed = call.schema.safeParse(body);
    if (parsed.success) return { kind: 'done', value: parsed.data };
    const issue = parsed.error.issues[0];
    const where = issue === undefined || issue.path.length === 0 ? 'the answer' : issue.path.join('.');
    return {
      kind: 'broken',
      error: unavailable(
        `the GPU market answered ${call.path.split('?')[0]} in a way that is not understood (${where})`,
      ),
    };
  };

  return {
    async call(call, { signal }) {
      for (let tries = 1; ; tries++) {
        try {
          await gate.pass(call.route, signal);
        } catch {
          throw aborted();
        }
        const outcome = await once(call, signal);
        if (outcome.kind === 'done') return outcome.value;
        if (outcome.kind === 'final') throw outcome.error;
        const again = outcome.kind === 'limited' || call.repeat === 'safe';
        if (!again || tries >= triesMax) throw outcome.error;
        const thresholdMs = outcome.kind === 'limited' ? outcome.thresholdMs : routes[call.route].thresholdMs;
        try {
          await clock.sleep(backoffMs(tries, thresholdMs, random), signal);
        } catch {
          throw aborted();
        }
      }
    },

    async file(address, { signal }) {
      const target = new URL(address);
      if (target.protocol !== 'https:' && target.origin !== url.origin)
        throw unavailable(`the GPU market names ${target.origin} for a log, which is not https`);
      const client: HttpClient = createHttpClient(target.origin, clock);
      try {
        const reply = await client.exchange({
          method: 'GET',
          path: target.pathname + target.search,
          headers: { accept: '*/*' },
          timeoutMs: options.timeoutMs,
          bodyBytesMax: fileBytesMax,
          signal,
        });
        return reply.status === 200 ? reply.text : undefined;
      } catch (error) {
        if (signal.aborted) throw aborted();
        throw unavailable(`the log at ${target.origin} cannot be read: ${redactor.words((error as Error).message)}`);
      } finally {
        await client.close();
      }
    },

    close: () => http.close(),
  };
}

type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'limited'; readonly thresholdMs: number; readonly error: AppError }
  /** No answer, or one that says nothing: another try may help. */
  | { readonly kind: 'broken'; readonly error: AppError }
  | { readonly kind: 'final'; readonly error: AppError | NotThere };

/** @param said status and words of the market, secrets removed */
function failure(status: number, slug: string, said: string): Outcome<never> {
  if (status >= 500 || status === 408)
    return { kind: 'broken', error: unavailable(`the GPU market has trouble (${said})`) };
  const refused = (why: string): Outcome<never> => ({ kind: 'final', error: new AppError('provider_refused', why) });
  const aboutKey = /user key|requires login|auth_error|invalid_token|unauthori[sz]ed/i.test(`${slug} ${said}`);
  if (status === 401 || (aboutKey && (status === 403 || status === 404)))
    return refused(`the GPU market refuses our key (${said}); ${keyRemedy}`);
  if (slug === 'missing_billing' || status === 402)
    return refused(`the GPU market asks for money (${said}); ${creditRemedy}`);
  if (status === 403) return refused(`the GPU market forbids that (${said}); ${keyRemedy}`);
  if (slug === 'deprecated_endpoint')
    return { kind: 'final', error: unavailable(`the GPU market has changed its API (${said}); update llm-self-host`) };
  if (status === 404 || status === 410 || slug.startsWith('no_such_'))
    return { kind: 'final', error: new NotThere(slug, said) };
  if (status >= 300 && status < 400)
    return { kind: 'final', error: unavailable(`the GPU market redirects (${said}); check fleet.vast.url`) };
  return refused(`the GPU market refuses the request (${said})`);
}

export const unavailable = (why: string): AppError => new AppError('provider_unavailable', why);
const aborted = (): AppError => new AppError('aborted', 'the caller left');

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function slugOf(body: unknown): string {
  const parsed = errorSchema.safeParse(body);
  return parsed.success && typeof parsed.data.error === 'string' ? parsed.data.error : '';
}

/** JSON of several shapes, YAML, plain text or a web page, as a few words. */
function wordsOf(text: string): string {
  const trimmed = text.trim();
  if (trimmed.startsWith('<')) return /<title>([^<]*)<\/title>/i.exec(trimmed)?.[1] ?? 'a web page instead of JSON';
  const body = parseJson(trimmed);
  const parsed = errorSchema.safeParse(body);
  if (!parsed.success || !isRecord(body)) return trimmed;
  const { error, msg, message, detail } = parsed.data;
  const words = [error, msg ?? message ?? detail].filter((word) => typeof word === 'string' && word !== '');
  return words.join(': ');
}
