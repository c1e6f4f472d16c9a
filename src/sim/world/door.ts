/** A published port of a rented machine: refuses, hangs, or leads to a server; counts what goes through. */
import type { Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { resetSocket } from '../../core/reset-socket.ts';

export type DoorMode =
  /** Nothing listens behind it: connections are reset. */
  | { readonly kind: 'refuses' }
  /** A dead mapping: connections open and hear nothing. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'leads-to'; readonly server: HttpServer; readonly tls: boolean };

export interface Door {
  readonly host: string;
  readonly port: number;
  set(mode: DoorMode): void;
  /** Bytes to and from clients since the last call. */
  takeBytes(): { readonly out: number; readonly in: number };
  /** Breaks every connection off. */
  cut(): void;
  close(): void;
}

const handshakeByte = 0x16;
const plainRefusal =
  'HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';

export async function openDoor(host: string): Promise<Door> {
  let mode: DoorMode = { kind: 'refuses' };
  const sockets = new Map<Socket, { out: number; in: number }>();
  const underTls = new WeakSet<Socket>();
  const gone = { out: 0, in: 0 };
  const listener = createServer((socket) => {
    socket.on('error', () => {});
    sockets.set(socket, { out: 0, in: 0 });
    socket.on('close', () => {
      const seen = sockets.get(socket) ?? { out: 0, in: 0 };
      gone.out += socket.bytesWritten - seen.out;
      gone.in += socket.bytesRead - seen.in;
      sockets.delete(socket);
    });
    socket.setNoDelay(true);
    if (mode.kind === 'refuses') resetSocket(socket);
    else if (mode.kind === 'leads-to') lead(socket, mode, () => underTls.add(socket));
  });
  const address = await listen(listener, host);
  return {
    host,
    port: address.port,
    set: (next) => {
      mode = next;
    },
    takeBytes() {
      const total = { out: gone.out, in: gone.in };
      gone.out = gone.in = 0;
      for (const [socket, seen] of sockets) {
        total.out += socket.bytesWritten - seen.out;
        total.in += socket.bytesRead - seen.in;
        sockets.set(socket, { out: socket.bytesWritten, in: socket.bytesRead });
      }
      return total;
    },
    cut() {
      for (const socket of sockets.keys()) {
        // It does not know what TLS shuts down below it, and what is shut down cannot be reset.
        if (underTls.has(socket)) socket.destroy();
        else resetSocket(socket);
      }
    },
    close() {
      listener.close();
      for (const socket of sockets.keys()) socket.destroy();
    },
  };
}

/** Plain HTTP on a TLS port gets the words that a Go server gives. */
function lead(socket: Socket, { server, tls }: DoorMode & { kind: 'leads-to' }, handsOver: () => void): void {
  if (!tls) return void server.emit('connection', socket);
  socket.once('data', (first: Buffer) => {
    if (first[0] !== handshakeByte) return void socket.end(plainRefusal);
    socket.pause();
    socket.unshift(first);
    handsOver();
    server.emit('connection', socket);
  });
}

function listen(listener: Server, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, host, () => {
      listener.off('error', reject);
      resolve(listener.address() as AddressInfo);
    });
  });
}
