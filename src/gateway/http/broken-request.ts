/** What Node could not read as a request has no route and no dialect; it is told what is wrong, and the connection ends. */
import type { Duplex } from 'node:stream';
import { AppError } from '../../core/errors.ts';

const reasons: Readonly<Record<string, AppError>> = {
  ERR_HTTP_REQUEST_TIMEOUT: new AppError(
    'request_timeout',
    'the request did not arrive in time (gateway.bodyTimeoutMs); send it faster or in less',
  ),
  HPE_HEADER_OVERFLOW: new AppError('bad_request', 'the request headers are larger than 16 KiB', { status: 431 }),
};
const unreadable = new AppError('bad_request', 'this is not an HTTP/1.1 request');

export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const { status, code, message } = reasons[error.code ?? ''] ?? unreadable;
  const body = JSON.stringify({
    error: { message, type: status === 408 ? 'api_error' : 'invalid_request_error', param: null, code },
  });
  socket.end(
    `HTTP/1.1 ${status} ${status === 408 ? 'Request Timeout' : status === 431 ? 'Request Header Fields Too Large' : 'Bad Request'}\r\n` +
      `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
