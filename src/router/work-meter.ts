import type { Usage } from '../core/chat.ts';
import type { ModelName, TenantId } from '../core/ids.ts';

/** Port: told of every request that needs a thinker, for those who see to it that there are enough. Idle jobs are none. */
export interface WorkMeter {
  arrived(work: ArrivingWork): void;
  /** It has a place. */
  started(id: string): void;
  /** It has lost its place before its first token and waits again. */
  requeued(id: string): void;
  /** @param usage what was computed; undefined when nobody said */
  ended(id: string, usage: Usage | undefined): void;
}

export interface ArrivingWork {
  readonly id: string;
  readonly tenant: TenantId;
  readonly model: ModelName;
  readonly outputLimit: number | undefined;
  /** Guessed from the length of the text. */
  readonly promptTokens: number;
}
