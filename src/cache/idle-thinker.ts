import type { Answer } from '../core/answer.ts';
import type { AnswerRequest, CallOptions } from '../core/chat.ts';
import type { TenantId } from '../core/ids.ts';

export type IdleReply =
  | {
      readonly kind: 'answer';
      readonly answer: Answer;
      readonly digest: string;
      /** Made up by a simulated thinker. */
      readonly simulated: boolean;
    }
  /**
   * `full`: too many wait. `expired`: no thinker was idle in time. `preempted`: stopped for users, twice.
   * `failed`: the thinker failed it.
   */
  | { readonly kind: 'dropped'; readonly reason: 'full' | 'expired' | 'preempted' | 'failed' };

/** Port: asks a thinker that has nothing better to do. Who implements it never makes a user wait for it. */
export interface IdleThinker {
  /** Rejects only when the signal fires. */
  ask(request: AnswerRequest, options: CallOptions & { readonly tenant: TenantId }): Promise<IdleReply>;
  /** Whether every thinker that is up is a simulated one. */
  readonly simulated: boolean;
}
