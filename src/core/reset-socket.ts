import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * Ends a connection with a TCP reset, or closes it where its end has begun or TLS is in charge of it. The system refuses to
 * reset a socket that is being shut down (EINVAL of libuv's `uv_tcp_close_reset`), and Node then takes its handle for
 * closing though nobody closes it: the process cannot end, and turns in a circle at its exit. A socket under a TLS socket
 * must be closed by its owner: TLS shuts it down below it, and it does not know.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded || socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
