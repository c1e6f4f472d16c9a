import type { Socket } from 'node:net';

/**
 * Ends a connection with a TCP reset, or closes it where its end has begun. The system refuses to reset a socket that is
 * being shut down (EINVAL of libuv's `uv_tcp_close_reset`), and Node then takes its handle for closing though nobody closes
 * it: the process cannot end, and turns in a circle at its exit.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
