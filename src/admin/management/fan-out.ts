/** A management call to several thinkers, one after the other: a success only when all of them succeeded. */
import { AppError } from '../../core/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { ManagementCall, Thinker } from '../../thinkers/thinker.ts';
import { parseJson, sendJson, type Exchange } from '../http.ts';

/** Progress lines are short; a longer one is not progress. */
const lineBytesMax = 1024 * 1024;

interface Outcome {
  readonly thinker: string;
  /** 0 when the thinker could not be asked. */
  readonly status: number;
  readonly error: string | undefined;
}

export async function fanOut(exchange: Exchange, thinkers: readonly Thinker[], call: ManagementCall): Promise<void> {
  const { response } = exchange;
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  const streams = wantsStream(call);
  if (streams) {
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    response.flushHeaders();
  }
  const outcomes: Outcome[] = [];
  for (const thinker of thinkers) {
    if (gone.signal.aborted) return;
    outcomes.push(await callOne({ exchange, thinker, call, signal: gone.signal, streams }));
  }
  if (gone.signal.aborted) return;
  const trouble = describeTrouble(call, outcomes);
  if (streams) {
    response.end(`${JSON.stringify(trouble === undefined ? { status: 'success' } : { error: trouble })}\n`);
    return;
  }
  const results = outcomes.map(({ thinker, status, error }) => ({
    thinker,
    status,
    ...(error !== undefined && { error }),
  }));
  if (trouble === undefined) sendJson(exchange, { status: 'success', thinkers: results });
  else sendJson(exchange, { error: trouble, thinkers: results }, { status: commonStatus(outcomes) });
}

/** Ollama streams these unless told not to; copy and delete answer with a bare status. */
function wantsStream({ path, body }: ManagementCall): boolean {
  if (path === '/api/copy' || path === '/api/delete') return false;
  const wanted = parseJson(body as Buffer);
  if (!isJsonObject(wanted)) throw new AppError('bad_request', 'expected a JSON object');
  return wanted['stream'] !== false;
}

interface OneCall {
  readonly exchange: Exchange;
  readonly thinker: Thinker;
  readonly call: ManagementCall;
  readonly signal: AbortSignal;
  readonly streams: boolean;
}

/** Never rejects: what went wrong on one thinker must not keep the others from their turn. */
function callOne({ exchange, thinker, call, signal, streams }: OneCall): Promise<Outcome> {
  const { response } = exchange;
  return new Promise((resolve) => {
    let status = 0;
    let error: string | undefined;
    let rest = '';
    const decoder = new TextDecoder();
    const settle = () => {
      signal.removeEventListener('abort', settle);
      resolve({ thinker: thinker.name, status, error });
    };
    // After an abort the thinker is silent, so nothing else would end the wait.
    signal.addEventListener('abort', settle, { once: true });

    const onLine = (text: string): boolean => {
      if (text.trim() === '') return true;
      const line = asObject(text);
      if (typeof line['error'] === 'string') error = line['error'];
      return streams ? response.write(`${JSON.stringify({ ...line, thinker: thinker.name })}\n`) : true;
    };
    thinker.manage(
      call,
      {
        head(given) {
          status = given;
          if (given >= 400) error = `it answered ${given}`;
        },
        data(chunk, resume) {
          const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
          rest = lines.pop()!;
          if (rest.length > lineBytesMax) {
            error = `it sent a line of more than ${lineBytesMax} bytes`;
            rest = '';
          }
          let flowing = true;
          for (const line of lines) flowing = onLine(line) && flowing;
          if (!flowing) response.once('drain', resume);
          return flowing;
        },
        end() {
          onLine(rest);
          settle();
        },
        fail(failure) {
          error = failure.message;
          if (streams) onLine(JSON.stringify({ error }));
          settle();
        },
      },
      { signal },
    );
  });
}

function asObject(text: string): JsonObject {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) ? value : { status: text };
  } catch {
    return { status: text };
  }
}

/** undefined when the call as a whole succeeded. */
function describeTrouble({ path }: ManagementCall, outcomes: readonly Outcome[]): string | undefined {
  const failures = outcomes.filter(({ error }) => error !== undefined);
  // Deleting is a wish about the end: where the model never was, the wish is fulfilled.
  const wished = path === '/api/delete' && failures.length < outcomes.length;
  const counted = wished ? failures.filter(({ status }) => status !== 404) : failures;
  if (counted.length === 0) return undefined;
  const done = outcomes.filter((outcome) => !failures.includes(outcome)).map(({ thinker }) => thinker);
  const failed = counted.map(({ thinker, error }) => `${thinker}: ${error}`).join('; ');
  return `${path} failed on ${failed}${done.length === 0 ? '' : `; it succeeded on ${done.join(', ')}`}`;
}

/** The thinkers' own status where they agree (404 everywhere), else that something behind us failed. */
function commonStatus(outcomes: readonly Outcome[]): number {
  const [first] = outcomes;
  const agree = first !== undefined && first.status >= 400 && outcomes.every(({ status }) => status === first.status);
  return agree ? first.status : 502;
}
