/** Asks thinkers that have nothing better to do, for the cache's audits. */
import { AnswerCollector } from '../core/answer.ts';
import type { AnswerOrigin, AnswerRequest } from '../core/chat.ts';
import type { AppError } from '../core/errors.ts';
import { requestId, type TenantId } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import type { IdleReply, IdleThinker } from '../cache/idle-thinker.ts';
import type { Router } from '../router/router-types.ts';
import type { ThinkerPool } from '../thinkers/thinker.ts';

export interface IdleThinkerDeps {
  readonly router: Router;
  readonly pool: ThinkerPool;
  readonly random: Random;
}

/** Once more after it made room for a user; then the hour is too busy for it. */
const triesMax = 2;

export function createIdleThinker({ router, pool, random }: IdleThinkerDeps): IdleThinker {
  return {
    get simulated() {
      const up = pool.views().filter(({ state }) => state === 'ready');
      return up.length > 0 && up.every(({ kind }) => kind === 'simulated');
    },

    async ask(request, { tenant, signal }) {
      let reply: IdleReply = { kind: 'dropped', reason: 'preempted' };
      for (let tries = 0; tries < triesMax; tries++) {
        reply = await askOnce(request, tenant, signal);
        if (reply.kind === 'answer' || reply.reason !== 'preempted') break;
      }
      return reply;
    },
  };

  function askOnce(request: AnswerRequest, tenant: TenantId, signal: AbortSignal): Promise<IdleReply> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      const collector = new AnswerCollector();
      let thinker: AnswerOrigin['thinker'];
      const settle = (reply: IdleReply): void => {
        signal.removeEventListener('abort', onAbort);
        resolve(reply);
      };
      const flow = router.dispatch(
        request,
        {
          origin: (origin) => (thinker = origin.thinker),
          event(event) {
            collector.add(event);
            if (event.type !== 'end') return;
            const simulated = thinker?.kind === 'simulated';
            settle({ kind: 'answer', answer: collector.answer(), digest: thinker?.digest ?? '', simulated });
          },
          fail: (error) => settle({ kind: 'dropped', reason: reasonOf(error) }),
        },
        { requestId: requestId(`idle_${random.id(20)}`), tenant, priority: 'idle' },
      );
      const onAbort = (): void => {
        flow.cancel();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function reasonOf({ code }: AppError): Extract<IdleReply, { kind: 'dropped' }>['reason'] {
  if (code === 'queue_full') return 'full';
  if (code === 'timeout_queue') return 'expired';
  return code === 'aborted' ? 'preempted' : 'failed';
}
