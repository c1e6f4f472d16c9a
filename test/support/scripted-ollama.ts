/** An Ollama server whose answers a test writes, over real HTTP on loopback. It is no simulation to the gateway. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptedOllama {
  readonly url: string;
  /** Questions asked, in order. */
  readonly asked: readonly string[];
  /** From here on questions are answered so. */
  answerWith(answer: (question: string) => string): void;
  /** From here on answers to these questions wait until they are let go. @returns lets them go */
  hold(which: (question: string) => boolean): () => void;
  close(): Promise<void>;
}

export async function startScriptedOllama(model: string, first: (question: string) => string): Promise<ScriptedOllama> {
  let answerOf = first;
  let held: ((question: string) => boolean) | undefined;
  let waiting: (() => void)[] = [];
  const asked: string[] = [];
  const row = { name: model, model, digest: 'sha256:1', size: 1, details: {} };

  const server = createServer((request, response) => {
    if (request.url === '/api/version') return json(response, { version: '0.20.0' });
    if (request.url === '/api/tags' || request.url === '/api/ps') return json(response, { models: [row] });
    if (request.url === '/api/chat') return chat(request, response);
    response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answerWith: (answer) => {
      answerOf = answer;
    },
    hold(which) {
      held = which;
      return () => {
        held = undefined;
        for (const go of waiting) go();
        waiting = [];
      };
    },
    close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };

  function chat(request: IncomingMessage, response: ServerResponse): void {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { messages } = JSON.parse(body) as { messages: { content: string }[] };
      const question = messages.at(-1)!.content;
      asked.push(question);
      const answer = answerOf(question);
      const send = (): void => {
        const base = { model, created_at: '2026-01-01T00:00:00Z' };
        const end = { done: true, done_reason: 'stop', total_duration: 1, eval_count: 3, prompt_eval_count: 5 };
        response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        response.write(
          `${JSON.stringify({ ...base, message: { role: 'assistant', content: answer }, done: false })}\n`,
        );
        response.end(`${JSON.stringify({ ...base, message: { role: 'assistant', content: '' }, ...end })}\n`);
      };
      if (held?.(question) === true) waiting.push(send);
      else send();
    });
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
