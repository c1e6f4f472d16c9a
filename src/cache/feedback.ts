/** Takes people's word about answers that the cache gave, from those it was given to. */
import type { Clock } from '../core/clock.ts';
import { entryId, type EntryId, type RequestId, type TenantId } from '../core/ids.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { RequestLog } from '../telemetry/request-log.ts';
import type { Feedback, FeedbackResult } from './cache-types.ts';
import type { DecisionSample } from './decision/engine-types.ts';
import type { Learner } from './learner.ts';
import type { WhyLog } from './why-log.ts';

export interface FeedbackDeps {
  readonly whyLog: WhyLog;
  /** Absent for a policy that does not learn: then a disputed answer is removed. */
  readonly learner: Learner | undefined;
  readonly requests: Pick<RequestLog, 'get'> | undefined;
  readonly remove: (id: EntryId) => Promise<boolean>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One word per entry and tenant in this time: a single client cannot vote an answer up or down. */
const oncePerMs = 3_600_000;
/** Words remembered for that; at 100 bytes each a megabyte. The oldest is forgotten first. */
const wordsMax = 10_000;

interface Served {
  readonly tenant: TenantId | string;
  readonly entryId: EntryId;
  readonly tier: 'exact' | 'semantic';
  readonly sample: DecisionSample | undefined;
  readonly neighbours: readonly EntryId[];
}

export function createFeedback(deps: FeedbackDeps): (feedback: Feedback) => FeedbackResult {
  const { whyLog, learner, requests, clock, logger } = deps;
  const words = new Map<string, number>();

  return function feedback({ requestId, tenant, cacheOwner, verdict }) {
    const served = servedBy(requestId);
    if (served === 'unknown') return { kind: 'refused', reason: 'unknown-request' };
    // What was stored for several tenants is under the name of all of them.
    if (tenant !== undefined && tenant !== served.tenant && cacheOwner !== served.tenant)
      return { kind: 'refused', reason: 'other-tenant' };
    if (!isHit(served)) return { kind: 'refused', reason: 'not-a-hit' };
    // The operator's word always counts: a mistake can be taken back, and nobody else speaks there.
    if (tenant !== undefined && !mayCount(tenant, served.entryId)) return { kind: 'refused', reason: 'too-often' };
    logger.info({ requestId, entryId: served.entryId, tier: served.tier, verdict }, 'feedback about a cached answer');
    const { sample, neighbours } = served;
    if (verdict === 'right') {
      if (sample !== undefined) learner?.judged(sample, true, []);
      return { kind: 'taken', effect: 'counted' };
    }
    // Wrong for its own question, or no way to keep it from other questions alone.
    if (served.tier === 'exact' || learner === undefined) {
      removeEntry(served.entryId);
      return { kind: 'taken', effect: 'removed' };
    }
    if (sample === undefined) learner.quarantine(served.entryId);
    else learner.judged(sample, false, neighbours);
    return { kind: 'taken', effect: 'quarantined' };
  };

  function servedBy(requestId: RequestId): Served | { readonly tenant: string } | 'unknown' {
    const why = whyLog.get(requestId);
    const record = requests?.get(requestId);
    if (why?.sample?.served === true) {
      const own = entryId(why.sample.entryId);
      const neighbours = why.trace.candidates.map((each) => each.entryId).filter((id) => id !== own);
      return { tenant: why.tenant, entryId: own, tier: 'semantic', sample: why.sample, neighbours };
    }
    if (record?.entryId !== undefined) {
      const tier = record.cache === 'exact' ? 'exact' : 'semantic';
      return { tenant: record.tenant, entryId: entryId(record.entryId), tier, sample: undefined, neighbours: [] };
    }
    const tenant = why?.tenant ?? record?.tenant;
    return tenant === undefined ? 'unknown' : { tenant };
  }

  function mayCount(tenant: TenantId, id: EntryId): boolean {
    const key = `${tenant}|${id}`;
    const now = clock.now();
    const last = words.get(key);
    if (last !== undefined && now - last < oncePerMs) return false;
    words.delete(key);
    if (words.size >= wordsMax) words.delete(words.keys().next().value!);
    words.set(key, now);
    return true;
  }

  function removeEntry(id: EntryId): void {
    deps.remove(id).catch((error: unknown) => {
      logger.error({ err: error, entryId: id }, 'a disputed answer could not be removed and may be served again');
    });
  }
}

const isHit = (served: Served | { readonly tenant: string }): served is Served => 'entryId' in served;
