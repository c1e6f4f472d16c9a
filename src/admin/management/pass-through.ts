/** A management call to one thinker: its answer byte for byte, at the pace at which the operator reads. */
import type { ManagementCall, Thinker } from '../../thinkers/thinker.ts';
import { sendManagementError, type Exchange } from '../http.ts';

const newline = 0x0a;

export function passThrough(exchange: Exchange, thinker: Thinker, call: ManagementCall): Promise<void> {
  const { request, response } = exchange;
  const gone = new AbortController();
  let isNdjson = false;
  let atLineStart = true;
  return new Promise((resolve) => {
    response.once('close', () => {
      // A pull goes on for hours; the thinker stops it when its caller leaves.
      if (!response.writableFinished) gone.abort();
      resolve();
    });
    if (response.destroyed) {
      gone.abort();
      return resolve();
    }
    thinker.manage(
      call,
      {
        head(status, contentType) {
          isNdjson = contentType?.includes('ndjson') ?? false;
          response.writeHead(status, {
            ...(contentType !== undefined && { 'content-type': contentType }),
            'cache-control': 'no-store',
            'x-selfhost-thinker': thinker.name,
          });
          response.flushHeaders();
        },
        data(chunk, resume) {
          atLineStart = chunk.at(-1) === newline;
          if (response.write(chunk)) return true;
          response.once('drain', resume);
          return false;
        },
        end: () => response.end(),
        fail(error) {
          if (gone.signal.aborted) return;
          if (!response.headersSent) {
            sendManagementError(exchange, error);
            if (!request.complete) request.resume();
          } else if (isNdjson) {
            response.end(`${atLineStart ? '' : '\n'}${JSON.stringify({ error: error.message, code: error.code })}\n`);
          } else {
            // A cut body is the only way left to say that it is not whole.
            response.destroy();
          }
        },
      },
      { signal: gone.signal },
    );
  });
}
