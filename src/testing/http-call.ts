/** Bare HTTP calls for tests: what arrived, and how it ended, without a client's opinion about either. */
import { request, type IncomingHttpHeaders } from 'node:http';

export interface HttpReply {
  /** 0 when the connection died before the headers. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as it came over the socket, read by read. */
  readonly chunks: readonly Buffer[];
  /** `complete` = HTTP says that the body is whole. */
  readonly end: 'complete' | 'cut' | 'left';
}

export interface HttpCall {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: object | string | Buffer;
  /** The caller leaves when it is aborted; the reply then ends with `left`. */
  readonly signal?: AbortSignal;
  readonly onChunk?: (chunk: Buffer) => void;
}

/** Never rejects: a dead connection is a reply too. */
export function httpCall(url: string, call: HttpCall = {}): Promise<HttpReply> {
  const body =
    call.body === undefined || typeof call.body === 'string' || Buffer.isBuffer(call.body)
      ? call.body
      : JSON.stringify(call.body);
  return new Promise((resolve) => {
    let status = 0;
    let headers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    const finish = (end: HttpReply['end']) =>
      resolve({ status, headers, chunks, text: Buffer.concat(chunks).toString('utf8'), end });
    const outgoing = request(url, {
      method: call.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...call.headers },
      agent: false,
    });
    call.signal?.addEventListener('abort', () => {
      outgoing.destroy();
      finish('left');
    });
    outgoing.on('error', () => finish('cut'));
    outgoing.on('response', (response) => {
      status = response.statusCode!;
      headers = response.headers;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        call.onChunk?.(chunk);
      });
      response.on('error', () => finish('cut'));
      response.on('end', () => finish(response.complete ? 'complete' : 'cut'));
      response.on('close', () => finish(response.complete ? 'complete' : 'cut'));
    });
    outgoing.end(body);
  });
}
