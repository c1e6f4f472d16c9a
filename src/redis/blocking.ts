import type { Clock } from '../core/clock.ts';
import type { Client, ClientOptions } from './client.ts';
import { callError, unavailable } from './faults.ts';
import type { BlockingConnection, RedisReply } from './redis-connection.ts';

export interface BlockingDeps {
  readonly clock: Clock;
  readonly address: string;
  readonly open: (own: Pick<ClientOptions, 'onReady' | 'onLost'>) => Client;
  /** May turn out to be a cluster after the connection was asked for. */
  readonly shape: () => ClientOptions['shape'];
}

/** How long to wait for its connection before a command is refused. */
const connectWaitMs = 1_000;

export function createBlocking({ clock, address, open, shape }: BlockingDeps): BlockingConnection {
  let client: Client | undefined;
  let openedAs: ClientOptions['shape'] | undefined;
  let waiters: (() => void)[] = [];
  let closed = false;

  return {
    async call(command, deadlineMs) {
      const mine = await connected();
      return new Promise<RedisReply>((resolve, reject) => {
        const timer = clock.after(deadlineMs, () => {
          // Its reply would be taken for that of the next command.
          mine.end();
          if (client === mine) client = undefined;
          reject(unavailable(address, `no reply within ${deadlineMs} ms`));
        });
        mine.send(command).then(
          (reply) => {
            timer.clear();
            resolve(reply as RedisReply);
          },
          (error: unknown) => {
            timer.clear();
            reject(callError(error, address));
          },
        );
      });
    },

    close() {
      closed = true;
      client?.end();
      wake();
    },
  };

  async function connected(): Promise<Client> {
    if (client !== undefined && (openedAs !== shape() || client.hasEnded())) {
      client.end();
      client = undefined;
    }
    openedAs = shape();
    client ??= closed ? undefined : open({ onReady: wake, onLost: () => undefined });
    if (client && !closed && !client.isReady()) {
      await new Promise<void>((resolve) => {
        const timer = clock.after(connectWaitMs, resolve);
        waiters.push(() => {
          timer.clear();
          resolve();
        });
      });
    }
    if (closed || !client?.isReady()) throw unavailable(address, closed ? 'it is closed' : 'it is not connected');
    return client;
  }

  function wake(): void {
    const woken = waiters;
    waiters = [];
    for (const waiter of woken) waiter();
  }
}
