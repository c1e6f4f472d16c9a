/** A network that can be broken: between a client and one server, on loopback. */
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';
import { systemClock } from '../core/clock.ts';
import { resetSocket } from '../core/reset-socket.ts';

export type ProxyMode =
  | 'pass'
  /** Takes everything and gives nothing: a lost route, a dead machine. */
  | 'blackhole'
  /** Nobody listens: new connections are cut at once, old ones too. */
  | 'refuse';

export interface TcpProxy {
  readonly port: number;
  setMode(mode: ProxyMode): void;
  /** Milliseconds added each way. */
  setDelay(ms: number): void;
  /** Cuts what is connected with a RST. */
  reset(): void;
  /** Connections that are open now. */
  connections(): number;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let mode: ProxyMode = 'pass';
  let delayMs = 0;
  const pairs = new Set<{ readonly front: Socket; readonly back: Socket }>();
  const server = createServer((front) => {
    if (mode === 'refuse') return resetSocket(front);
    const back = createConnection({ port: targetPort, host: '127.0.0.1' });
    front.setNoDelay(true);
    back.setNoDelay(true);
    const pair = { front, back };
    pairs.add(pair);
    const relay = (from: Socket, to: Socket): void => {
      from.on('data', (chunk: Buffer) => {
        if (mode === 'blackhole') return;
        if (delayMs === 0) return void (to.destroyed || to.write(chunk));
        systemClock.after(delayMs, () => void (mode !== 'blackhole' && !to.destroyed && to.write(chunk)));
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        pairs.delete(pair);
        if (mode !== 'blackhole') to.destroy();
      });
    };
    relay(front, back);
    relay(back, front);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (how: (socket: Socket) => void): void => {
    for (const { front, back } of pairs) {
      how(front);
      back.destroy();
    }
    pairs.clear();
  };
  return {
    port: (server.address() as AddressInfo).port,
    setMode(next) {
      // What was swallowed would leave a gap in the stream: whoever was connected meanwhile has to come anew.
      if (mode === 'blackhole' && next !== 'blackhole') cut(resetSocket);
      mode = next;
      if (next === 'refuse') cut(resetSocket);
    },
    setDelay: (ms) => void (delayMs = ms),
    reset: () => cut(resetSocket),
    connections: () => pairs.size,
    async close() {
      cut((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
