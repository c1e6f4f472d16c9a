import { assert } from '../core/assert.ts';
import type { AppError } from '../core/errors.ts';
import type { ModelName, TenantId, ThinkerId } from '../core/ids.ts';
import type { AnswerTimeouts, Lease, ThinkerView } from '../thinkers/thinker.ts';
import type { Patience } from './standby.ts';

/** A request on its way to a thinker. Its fields are written by the placement alone. */
export abstract class Job {
  abstract readonly tenant: TenantId;
  abstract readonly model: ModelName;
  /** Runs on idle capacity only. */
  readonly idle: boolean = false;
  readonly patience: Patience = 'plain';
  state: 'new' | 'waiting' | 'running' | 'done' = 'new';
  /** Thinkers that failed it. */
  tried: Set<ThinkerId> | undefined;
  failures = 0;
  busyTries = 0;
  /** Not offered a place before this instant of the monotonic clock. */
  notBeforeMs = 0;
  waitingSinceMs = 0;
  waitedMs = 0;
  /** Of `waitedMs`: while no thinker was there at all. */
  heldMs = 0;
  lease: Lease | undefined;
  view: ThinkerView | undefined;
  /** Under which the work meter knows it. */
  workId: string | undefined;
  startedMs = 0;
  cold = false;

  /** For the work meter: how much there is to do, guessed. */
  abstract size(): { readonly outputLimit: number | undefined; readonly promptTokens: number };
  /** The thinker is chosen and leased. */
  abstract begin(lease: Lease, timeouts: AnswerTimeouts): void;
  /** The end, told to the asker. */
  abstract tellFailure(error: AppError): void;
  /** Stops what `begin` began, at once and silently. Asked of idle jobs alone. */
  stop(): void {
    assert(!this.idle, 'an idle job that cannot be stopped');
  }
}
