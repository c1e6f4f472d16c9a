/** Who is at a URL: an Ollama server, one of our own gateways, or nobody. */
import type { Clock } from '../../core/clock.ts';
import type { JsonObject } from '../../core/json.ts';
import { AppError } from '../../core/errors.ts';
import { DeadlineWatch } from './deadline-watch.ts';
import { callJson } from './json-call.ts';
import { createTransport } from './transport.ts';
import type { ResponseHeaders } from './upstream-errors.ts';

/** Our own gateways say so in `/api/version`, as a header or as a field. */
const gatewayMark = 'x-selfhost-gateway';

export interface VersionAnswer {
  readonly headers: ResponseHeaders;
  readonly body: JsonObject;
}

export function isOwnGatewayAnswer(answer: VersionAnswer): boolean {
  const field = answer.body[gatewayMark];
  return answer.headers[gatewayMark] !== undefined || (field !== undefined && field !== null && field !== false);
}

export interface ProbeOllamaOptions {
  readonly deadlineMs: number;
  readonly clock: Clock;
}

/**
 * Asks `/api/version` once. A gateway must never route to itself or to another gateway that may route back.
 * Never rejects for what a server does: anything that does not answer like Ollama is `absent`.
 */
export async function probeOllama(
  url: string,
  options: ProbeOllamaOptions,
): Promise<'ollama' | 'own-gateway' | 'absent'> {
  const { clock, deadlineMs } = options;
  const transport = createTransport({ url, connectTimeoutMs: deadlineMs, answerSocketsMax: 1 });
  const watch = new DeadlineWatch(clock);
  const leaving = new AbortController();
  // A timer of its own: half a second is waited for at start-up, and a coarse tick would be a tenth of it.
  const timer = clock.after(deadlineMs, () => leaving.abort());
  try {
    const answer = await callJson(
      { name: url, transport, watch, clock },
      {
        request: { method: 'GET', path: '/api/version', lane: 'control' },
        signal: leaving.signal,
        bodyBytesMax: 64 * 1024,
      },
    );
    if (isOwnGatewayAnswer(answer)) return 'own-gateway';
    return typeof answer.body['version'] === 'string' ? 'ollama' : 'absent';
  } catch (error) {
    if (error instanceof AppError) return 'absent';
    throw error;
  } finally {
    timer.clear();
    await transport.close();
    watch.close();
  }
}

/** Whether the server at `url` is one of our own gateways. */
export async function isOwnGateway(url: string, options: ProbeOllamaOptions): Promise<boolean> {
  return (await probeOllama(url, options)) === 'own-gateway';
}
