import type { EpochMs } from '../../core/units.ts';

/** How urgent: `warn` is before the fact, `ticket` can wait for the morning, `page` wakes somebody. */
export type MessageLevel = 'warn' | 'ticket' | 'page';
export const messageLevels: readonly MessageLevel[] = ['warn', 'ticket', 'page'];
export const isAtLeast = (level: MessageLevel, min: MessageLevel): boolean =>
  messageLevels.indexOf(level) >= messageLevels.indexOf(min);

export interface AlertMessage {
  /** The same for the same trouble: a later message takes the place of an earlier one that still waits. */
  readonly key: string;
  /** Of this message, for receivers that must not count a repeated delivery twice. */
  readonly id: string;
  readonly status: 'firing' | 'resolved' | 'test';
  readonly level: MessageLevel;
  readonly title: string;
  readonly summary: string;
  /** What to do first; '' when there is nothing. */
  readonly action: string;
  /** Where the runbook speaks of it; '' when it does not. */
  readonly runbook: string;
  /** The values it fires for, '' when there are none. */
  readonly detail: string;
  readonly since: EpochMs;
  readonly at: EpochMs;
  /** Which gateway tells it. */
  readonly source: string;
}

export type ChannelKind = 'webhook' | 'slack' | 'discord' | 'ntfy' | 'email';

/** Port: one way to reach people. Drivers in `channel/`. */
export interface Channel {
  readonly kind: ChannelKind;
  /** One attempt. Resolves when the other side has taken it. @throws ChannelError */
  send(message: AlertMessage, options: { readonly signal: AbortSignal }): Promise<void>;
  close(): void;
}

/** Its message names no address and no secret: those of chat services lie in the path of their URL. */
export class ChannelError extends Error {
  override readonly name = 'ChannelError';
  /** Another try may help. */
  readonly retryable: boolean;
  /** What the other side asked to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { readonly retryable: boolean; readonly retryAfterMs?: number | undefined }) {
    super(message);
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs;
  }
}
