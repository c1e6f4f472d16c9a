/** Brings messages to their channels: each has a line of its own, so that a dead one delays no other. */
import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import type { EpochMs } from '../../core/units.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import {
  ChannelError,
  isAtLeast,
  type AlertMessage,
  type Channel,
  type ChannelKind,
  type MessageLevel,
} from './channel.ts';

export interface ChannelEntry {
  readonly name: string;
  readonly levelMin: MessageLevel;
  readonly channel: Channel;
}

export interface DeliveryOptions {
  readonly attemptTimeoutMs: number;
  readonly triesMax: number;
  /** Before the second try; doubled before each further one, up to `retryMaxMs`. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  /** Messages waiting for one channel. Alerts are few; more means that nobody can read them anyway. */
  readonly waitingMax: number;
}

export const deliveryDefaults: DeliveryOptions = {
  attemptTimeoutMs: 10_000,
  triesMax: 6,
  retryMs: 2_000,
  retryMaxMs: 300_000,
  waitingMax: 64,
};

export interface ChannelStatus {
  readonly name: string;
  readonly kind: ChannelKind;
  readonly levelMin: MessageLevel;
  readonly waiting: number;
  readonly last:
    | { readonly at: EpochMs; readonly outcome: DeliveryOutcome; readonly error: string | undefined }
    | undefined;
}

export type DeliveryOutcome = 'sent' | 'failed' | 'dropped';

export interface DeliveryDeps {
  readonly channels: readonly ChannelEntry[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'alertDeliveries'>;
  readonly options?: Partial<DeliveryOptions>;
  /** Told of the end of each message on each channel. */
  readonly onOutcome?: (message: AlertMessage, channel: string, outcome: DeliveryOutcome, error?: string) => void;
}

export interface Delivery {
  /** Returns at once. */
  send(message: AlertMessage): void;
  /** One try on every channel, or on the one of this name, past lines and levels. @returns an error for each, or none */
  test(
    message: AlertMessage,
    name?: string,
  ): Promise<readonly { readonly name: string; readonly error: string | undefined }[]>;
  status(): readonly ChannelStatus[];
  close(): void;
}

export function createDelivery(deps: DeliveryDeps): Delivery {
  const stop = new AbortController();
  const lines = deps.channels.map((entry) => new Line(entry, deps, stop.signal));
  return {
    send(message) {
      for (const line of lines) line.add(message);
    },
    test(message, name) {
      const wanted = lines.filter((line) => name === undefined || line.entry.name === name);
      return Promise.all(
        wanted.map(async (line) => ({
          name: line.entry.name,
          error: await line.attempt(message).then(none, messageOf),
        })),
      );
    },
    status: () => lines.map((line) => line.status()),
    close() {
      stop.abort();
      for (const { entry } of lines) entry.channel.close();
    },
  };
}

const none = (): undefined => undefined;
const messageOf = (error: unknown): string => (error as Error).message;

class Line {
  readonly entry: ChannelEntry;
  readonly #deps: DeliveryDeps;
  readonly #options: DeliveryOptions;
  readonly #stopped: AbortSignal;
  readonly #waiting: AlertMessage[] = [];
  #last: ChannelStatus['last'];
  #running = false;

  constructor(entry: ChannelEntry, deps: DeliveryDeps, stopped: AbortSignal) {
    this.entry = entry;
    this.#deps = deps;
    this.#options = { ...deliveryDefaults, ...deps.options };
    this.#stopped = stopped;
  }

  status(): ChannelStatus {
    const { name, levelMin, channel } = this.entry;
    return { name, kind: channel.kind, levelMin, waiting: this.#waiting.length, last: this.#last };
  }

  add(message: AlertMessage): void {
    if (!isAtLeast(message.level, this.entry.levelMin) || this.#stopped.aborted) return;
    const same = this.#waiting.findIndex(({ key }) => key === message.key);
    // What waits is out of date: people want to know how it is.
    if (same !== -1) this.#waiting.splice(same, 1);
    this.#waiting.push(message);
    if (this.#waiting.length > this.#options.waitingMax) this.#dropOne();
    if (!this.#running) void this.#run();
  }

  async attempt(message: AlertMessage): Promise<void> {
    const limit = new AbortController();
    const timer = this.#deps.clock.after(this.#options.attemptTimeoutMs, () => limit.abort());
    try {
      await this.entry.channel.send(message, { signal: AbortSignal.any([limit.signal, this.#stopped]) });
    } finally {
      timer.clear();
    }
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift()) {
        await this.#deliver(message);
      }
    } catch (error) {
      if (!this.#stopped.aborted) this.#deps.logger.error({ err: error }, 'delivery of alerts ended by a bug');
    } finally {
      this.#running = false;
    }
  }

  async #deliver(message: AlertMessage): Promise<void> {
    const { clock, random } = this.#deps;
    const { triesMax, retryMs, retryMaxMs } = this.#options;
    for (let tries = 1; ; tries++) {
      try {
        await this.attempt(message);
        return this.#ended(message, 'sent');
      } catch (error) {
        if (this.#stopped.aborted) return;
        const { retryable, retryAfterMs } =
          error instanceof ChannelError ? error : { retryable: false, retryAfterMs: undefined };
        if (!retryable || tries >= triesMax) return this.#ended(message, 'failed', messageOf(error));
        // A newer word on the same trouble makes this one not worth another try.
        if (this.#waiting.some(({ key }) => key === message.key)) return;
        const backoffMs = Math.min(retryMaxMs, retryMs * 2 ** (tries - 1)) * (0.5 + random.float() / 2);
        await clock.sleep(Math.min(retryMaxMs, Math.max(backoffMs, retryAfterMs ?? 0)), this.#stopped);
      }
    }
  }

  /** The least urgent goes, of those the oldest. */
  #dropOne(): void {
    const level = (['warn', 'ticket', 'page'] as const).find((each) => this.#waiting.some((one) => one.level === each));
    const at = this.#waiting.findIndex((one) => one.level === level);
    const [dropped] = this.#waiting.splice(at, 1);
    this.#ended(dropped!, 'dropped', `more than ${this.#options.waitingMax} messages wait for this channel`);
  }

  #ended(message: AlertMessage, outcome: DeliveryOutcome, error?: string): void {
    const { metrics, logger, clock, onOutcome } = this.#deps;
    const { name, channel } = this.entry;
    metrics.alertDeliveries.inc({ channel: channel.kind, outcome });
    this.#last = { at: clock.now(), outcome, error };
    if (outcome !== 'sent')
      logger.warn({ channel: name, alert: message.key, reason: error }, 'an alert was not delivered');
    onOutcome?.(message, name, outcome, error);
  }
}
