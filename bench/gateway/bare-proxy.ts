/** Baseline of a miss: a bare `undici` proxy that relays bytes and looks at nothing. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';
import { childOptions, ready } from './child.ts';

const { thinkerUrl } = childOptions() as { thinkerUrl: string };
const pool = new Pool(thinkerUrl, { connections: 128, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 });

const server = createServer({ keepAliveTimeout: 75_000, noDelay: true }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
    let gone: (() => void) | undefined;
    response.on('close', () => gone?.());
    pool.dispatch(
      { method: 'POST', path: request.url!, body, headers: ['content-type', 'application/json'] },
      {
        onRequestStart(controller) {
          gone = () => {
            if (!response.writableFinished) controller.abort(new Error('the client left'));
          };
        },
        onResponseStart(_controller, status, headers) {
          const type = headers['content-type'] as string;
          const length = headers['content-length'] as string | undefined;
          response.writeHead(status, {
            'content-type': type,
            ...(length !== undefined && { 'content-length': length }),
          });
        },
        onResponseData(controller, chunk) {
          if (response.write(chunk)) return;
          controller.pause();
          response.once('drain', () => controller.resume());
        },
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    );
  });
});
server.listen(0, '127.0.0.1', () => ready(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
