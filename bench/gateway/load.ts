/** Load generator, in a process of its own: a fixed number of connections, each with one request at a time. */
import { RawConnection, headerOf, postHead, type RawResponse } from '../lib/raw-client.ts';
import { percentile } from '../lib/stats.ts';
import { chatBody, newQuestion, otherWording, storedQuestion } from './questions.ts';

export interface LoadOrder {
  readonly url: string;
  /** `stored`: word for word; `other`: a stored question in other words; `new`: never asked before. */
  readonly questions: 'stored' | 'other' | 'new';
  /** Stored questions to draw from. */
  readonly entries: number;
  /** First number of new questions; the answer tells the next. */
  readonly newFrom: number;
  readonly stream: boolean;
  readonly noStore: boolean;
  readonly concurrency: number;
  readonly seconds: number;
  readonly requestsMax: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Responses that were not 200. */
  readonly refused: number;
  /** By `x-selfhost-cache`; `none` where there is no such header. */
  readonly kinds: Readonly<Record<string, number>>;
  readonly bodyBytes: number;
  readonly newNext: number;
}

/** Distinct requests of a run: more than the vectors that the gateway remembers, so that each is embedded. */
const distinctMax = 8192;

process.on('message', (message) => {
  run(message as LoadOrder).then(
    (result) => process.send?.({ type: 'result', result }),
    (error: unknown) => process.send?.({ type: 'failed', message: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
process.send?.({ type: 'ready', url: '' });

async function run(order: LoadOrder): Promise<LoadResult> {
  const { hostname, port } = new URL(order.url);
  const latencies = new Float64Array(order.requestsMax);
  const kinds: Record<string, number> = {};
  let newNext = order.newFrom;
  let sent = 0;
  let requests = 0;
  let refused = 0;
  let bodyBytes = 0;
  const requestOf = (question: string) => {
    const body = chatBody(question, order.stream);
    const headers = order.noStore ? 'cache-control: no-store\r\n' : '';
    return postHead({ host: hostname, path: '/api/chat', bodyBytes: Buffer.byteLength(body), headers }) + body;
  };
  const known = order.questions === 'new' ? [] : knownRequests(order, requestOf);
  const next = () => (order.questions === 'new' ? requestOf(newQuestion(newNext++)) : known[sent % known.length]!);

  const connections = await Promise.all(
    Array.from({ length: order.concurrency }, () => RawConnection.open(hostname, Number(port))),
  );
  const startedMs = performance.now();
  const untilMs = startedMs + order.seconds * 1000;
  const worker = (connection: RawConnection) =>
    new Promise<void>((resolve, reject) => {
      let beganMs = 0;
      const ask = () => {
        beganMs = performance.now();
        if (beganMs >= untilMs || sent >= order.requestsMax) return resolve();
        const request = next();
        sent++;
        connection.send(request, answered, reject);
      };
      const answered = (response: RawResponse) => {
        latencies[requests++] = performance.now() - beganMs;
        bodyBytes += response.bodyBytes;
        if (response.status !== 200) refused++;
        const kind = headerOf(response.head, 'x-selfhost-cache') ?? 'none';
        kinds[kind] = (kinds[kind] ?? 0) + 1;
        ask();
      };
      ask();
    });
  try {
    await Promise.all(connections.map(worker));
  } finally {
    for (const connection of connections) connection.close();
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const taken = latencies.subarray(0, requests);
  return {
    requests,
    seconds,
    p50Ms: percentile(taken, 0.5),
    p99Ms: percentile(taken, 0.99),
    refused,
    kinds,
    bodyBytes,
    newNext,
  };
}

/** Spread over all stored questions, so that a lookup meets every part of the index and the store. */
function knownRequests(order: LoadOrder, requestOf: (question: string) => string): string[] {
  const count = Math.min(order.entries, distinctMax);
  const stride = order.entries / count;
  const wording = order.questions === 'stored' ? storedQuestion : otherWording;
  return Array.from({ length: count }, (_, i) => requestOf(wording(Math.floor(i * stride))));
}
