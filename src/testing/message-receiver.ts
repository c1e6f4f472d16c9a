/** A real HTTP server that takes messages, as a webhook or a chat service would, and answers as it is told to. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface ReceivedMessage {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Of a JSON body. */
  readonly json: Record<string, unknown>;
}

export interface ReceiverAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface MessageReceiver {
  readonly url: string;
  readonly received: readonly ReceivedMessage[];
  /** The next answers, in order; 200 when there is none. `silent` never answers. */
  answer(...answers: readonly (ReceiverAnswer | 'silent')[]): void;
  close(): Promise<void>;
}

export async function startMessageReceiver(): Promise<MessageReceiver> {
  const received: ReceivedMessage[] = [];
  const answers: (ReceiverAnswer | 'silent')[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ method: request.method!, path: request.url!, headers: request.headers, body, json: parse(body) });
      const answer = answers.shift() ?? { status: 200 };
      if (answer === 'silent') return;
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (...more) => void answers.push(...more),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function parse(body: string): Record<string, unknown> {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return {};
  }
}
