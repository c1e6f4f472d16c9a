/** What goes wrong at a thinker, as AppErrors: by HTTP status, by socket error, by an error line in a stream. */
import type { Clock } from '../../core/clock.ts';
import { AppError, toAppError, type AppErrorOptions } from '../../core/errors.ts';
import { isJsonObject, type JsonValue } from '../../core/json.ts';

/** A longer wait asked for by a server is cut: no client waits longer. */
const retryAfterMaxMs = 600_000;
/** Words of a server that are passed on. Ollama's longest are a few hundred characters. */
const messageCharsMax = 1_000;

export type ResponseHeaders = Record<string, string | string[] | undefined>;

export interface ErrorResponse {
  readonly thinkerName: string;
  readonly path: string;
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: string;
  /** We sent a bearer token: then 401 and 403 are about that token and not about the client. */
  readonly authenticated: boolean;
  readonly clock: Clock;
}

/** An answer with a status other than 200. */
export function responseError(response: ErrorResponse): AppError {
  const { thinkerName, status, path } = response;
  const body = readBody(response);
  const retryAfterMs = parseRetryAfter(first(response.headers['retry-after']), response.clock);
  const options: AppErrorOptions = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 503 || status === 429) {
    return new AppError('upstream_busy', body.words || `thinker ${thinkerName} is busy (HTTP ${status})`, options);
  }
  if (status === 404 && body.isJson) {
    return new AppError('model_not_found', body.words || `thinker ${thinkerName} does not have the model`);
  }
  if (status === 404) {
    return new AppError(
      'upstream_failed',
      `thinker ${thinkerName} has no route ${path} (HTTP 404); check that its URL is that of an Ollama server`,
    );
  }
  if ((status === 401 || status === 403) && response.authenticated) {
    return new AppError(
      'upstream_failed',
      `thinker ${thinkerName} refuses our bearer token (HTTP ${status}); check the token configured for it`,
    );
  }
  if (status >= 400 && status < 500) {
    const words = body.words || `thinker ${thinkerName} rejected the request (HTTP ${status})`;
    return new AppError('upstream_rejected', words, { ...options, status });
  }
  const detail = body.words ? `: ${body.words}` : '';
  return new AppError('upstream_failed', `thinker ${thinkerName} answered HTTP ${status}${detail}`, options);
}

/** `{"error":…}` in a stream. Before the first event its words may say that nothing is broken. */
export function inBandError(thinkerName: string, error: JsonValue, started: boolean): AppError {
  const words = cut(wordsOf(error) || 'no reason given');
  if (!started) {
    if (/\bmodel\b.*\bnot found\b/i.test(words)) return new AppError('model_not_found', words);
    if (/server busy|maximum pending requests/i.test(words)) return new AppError('upstream_busy', words);
    if (
      /does not support|exceeds? (the )?(maximum )?context|input length|invalid (format|option|image|input)/i.test(
        words,
      )
    ) {
      return new AppError('upstream_rejected', words);
    }
  }
  return new AppError('upstream_broken_stream', `thinker ${thinkerName} stopped with an error: ${words}`);
}

/** The stream ended and nothing said that the answer is complete. */
export function unfinishedError(thinkerName: string): AppError {
  return new AppError('upstream_broken_stream', `thinker ${thinkerName} ended its answer without \`done: true\``);
}

/**
 * An error that came from the HTTP client. A bug of ours comes out as `internal` and is not held against the thinker.
 * @param answering the response had begun: what came is lost, and a cut stream is not a refused connection
 */
export function socketError(thinkerName: string, error: Error, answering: boolean): AppError {
  const code = codeOf(error);
  // What sockets, TLS, DNS and the HTTP parser report has a code. The rest was thrown by a reader of the answer.
  if (code === '' || code === 'ERR_ASSERTION' || error instanceof AppError) return toAppError(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return new AppError('timeout_connect', `thinker ${thinkerName} did not accept a connection in time`, {
      cause: error,
    });
  }
  const reason = error.message || code || error.name;
  if (answering) {
    return new AppError('upstream_broken_stream', `connection to thinker ${thinkerName} broke off: ${reason}`, {
      cause: error,
    });
  }
  return new AppError('upstream_failed', `no answer from thinker ${thinkerName}: ${reason}`, { cause: error });
}

export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** Seconds or an HTTP date, as milliseconds from now. */
export function parseRetryAfter(value: string | undefined, clock: Clock): number | undefined {
  if (value === undefined) return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - clock.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(0, ms), retryAfterMaxMs);
}

function readBody(response: ErrorResponse): { words: string; isJson: boolean } {
  const text = response.body.trim();
  if (text.startsWith('<')) {
    const title = /<title>([^<]*)<\/title>/i.exec(text)?.[1]?.trim();
    return { words: `it sent a web page${title ? ` ("${cut(title)}")` : ''} instead of JSON`, isJson: false };
  }
  try {
    const value = JSON.parse(text) as JsonValue;
    if (isJsonObject(value)) return { words: cut(wordsOf(value['error'] ?? value['message'] ?? null)), isJson: true };
  } catch {
    // Plain text is an answer too: Go's HTTP library sends its own errors so.
  }
  return { words: cut(text), isJson: false };
}

function wordsOf(error: JsonValue): string {
  if (typeof error === 'string') return error;
  if (isJsonObject(error) && typeof error['message'] === 'string') return error['message'];
  return error === null ? '' : JSON.stringify(error);
}

const cut = (text: string): string => (text.length > messageCharsMax ? `${text.slice(0, messageCharsMax)}…` : text);
const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
