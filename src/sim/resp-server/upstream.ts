/** A connection of the simulated query engine to the Redis behind it: replies in order, messages to a listener. */
import { connect } from 'node:net';
import { decodeReply, encodeCommand, ReplyCutter } from './frames.ts';

export interface Upstream {
  /** @returns the reply as plain values; bytes come as latin1. */
  send(command: readonly (string | Buffer)[]): Promise<unknown>;
  sendRaw(command: readonly (string | Buffer)[]): Promise<Buffer>;
  subscribe(pattern: string): Promise<void>;
  onMessage(listener: (channel: string) => void): void;
  /** Resolves when every message sent before has been heard. */
  ping(): Promise<void>;
  close(): void;
}

export function openUpstream({ host, port }: { readonly host: string; readonly port: number }): Promise<Upstream> {
  const socket = connect(port, host).setNoDelay(true);
  const cutter = new ReplyCutter();
  const waiting: { readonly resolve: (raw: Buffer) => void; readonly reject: (error: Error) => void }[] = [];
  let listener: (channel: string) => void = () => {};
  let subscribed = false;

  socket.on('data', (chunk) => {
    for (const raw of cutter.push(chunk)) {
      if (subscribed) {
        const [kind, , channel] = decodeReply(raw) as string[];
        if (kind === 'pmessage') {
          listener(Buffer.from(channel!, 'latin1').toString('utf8'));
          continue;
        }
      }
      waiting.shift()?.resolve(raw);
    }
  });
  const gone = (error: Error) => {
    for (const each of waiting.splice(0)) each.reject(error);
  };
  socket.on('close', () => gone(new Error('the Redis behind the simulated query engine has gone')));

  const sendRaw = (command: readonly (string | Buffer)[]): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      socket.write(encodeCommand(command));
    });
  const upstream: Upstream = {
    sendRaw,
    send: async (command) => decodeReply(await sendRaw(command)),
    async subscribe(pattern) {
      subscribed = true;
      await sendRaw(['PSUBSCRIBE', pattern]);
    },
    onMessage: (given) => void (listener = given),
    ping: async () => void (await sendRaw(['PING'])),
    close: () => void socket.destroy(),
  };
  return new Promise((resolve, reject) => {
    socket
      .once('connect', () => resolve(upstream))
      .on('error', (error) => {
        reject(error);
        gone(error);
      });
  });
}

/** Empty when the key is absent, or is no hash. */
export async function readHash(upstream: Upstream, key: string): Promise<ReadonlyMap<string, Buffer>> {
  const fields = new Map<string, Buffer>();
  let flat: readonly string[];
  try {
    flat = (await upstream.send(['HGETALL', key])) as readonly string[];
  } catch {
    return fields;
  }
  for (let i = 0; i < flat.length; i += 2) {
    fields.set(Buffer.from(flat[i]!, 'latin1').toString('utf8'), Buffer.from(flat[i + 1]!, 'latin1'));
  }
  return fields;
}
