/** One bounded HTTP exchange: a whole body, whatever its type, or one error. */
import type { Dispatcher } from 'undici';
// The dispatchers alone: all of undici would cost 14 MB and 60 ms at start for fetch, WebSocket and caches.
import Pool from 'undici/lib/dispatcher/pool.js';
import type { Clock } from '../../../core/clock.ts';

export interface Exchange {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly bodyBytesMax: number;
  readonly signal: AbortSignal;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Searches, lists and a destroy at the same time; more wait. */
const connectionsMax = 6;

export interface HttpClient {
  /** Rejects with the signal's reason, or with an Error whose message says what broke. */
  exchange(exchange: Exchange): Promise<Reply>;
  close(): Promise<void>;
}

export function createHttpClient(origin: string, clock: Clock): HttpClient {
  const pool = new Pool(origin, {
    connections: connectionsMax,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: 0 },
  });
  return {
    exchange: (exchange) => run(pool, clock, exchange),
    close: () => pool.destroy(),
  };
}

function run(pool: Dispatcher, clock: Clock, exchange: Exchange): Promise<Reply> {
  const { signal, timeoutMs, bodyBytesMax } = exchange;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    let controller: Dispatcher.DispatchController | undefined;
    let done = false;
    let status = 0;
    let bytes = 0;
    const chunks: Buffer[] = [];
    const finish = (settle: () => void): void => {
      if (done) return;
      done = true;
      timer.clear();
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const stop = (error: Error): void => {
      finish(() => reject(error));
      controller?.abort(error);
    };
    const onAbort = (): void => stop(signal.reason as Error);
    const timer = clock.after(timeoutMs, () => stop(new Error(`no answer within ${timeoutMs} ms`)));
    signal.addEventListener('abort', onAbort, { once: true });
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(started) {
        if (done) return started.abort(new Error('no longer wanted'));
        controller = started;
      },
      onResponseStart(_controller, code) {
        if (code >= 200) status = code;
      },
      onResponseData(_controller, chunk) {
        bytes += chunk.length;
        if (bytes > bodyBytesMax) return stop(new Error(`the answer is larger than ${bodyBytesMax} bytes`));
        chunks.push(chunk);
      },
      onResponseEnd() {
        finish(() => resolve({ status, text: Buffer.concat(chunks).toString('utf8') }));
      },
      onResponseError(_controller, error) {
        finish(() => reject(error));
      },
    };
    try {
      pool.dispatch(
        {
          method: exchange.method,
          path: exchange.path,
          headers: exchange.headers,
          body: exchange.body ?? null,
        },
        handler,
      );
    } catch (error) {
      stop(error as Error);
    }
  });
}
