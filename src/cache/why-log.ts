/** The last decisions of the semantic tier, by request: what `why` tells and what feedback refers to. */
import type { RequestId, TenantId } from '../core/ids.ts';
import type { LookupTrace } from './cache-types.ts';
import type { DecisionSample } from './decision/engine-types.ts';

export interface WhyRecord {
  readonly requestId: RequestId;
  readonly tenant: TenantId;
  readonly trace: LookupTrace;
  /** What a label needs to know of the decision; undefined where nothing was scored. */
  readonly sample: DecisionSample | undefined;
}

export interface WhyLog {
  remember(requestId: RequestId, tenant: TenantId, trace: LookupTrace, sample: DecisionSample | undefined): void;
  /** undefined for a request that the semantic tier was not asked about, or that was forgotten. */
  get(requestId: RequestId): WhyRecord | undefined;
}

/** As many as the request log shows; a record with eight long candidates takes some 16 KB. */
const capacityDefault = 1_000;

/** Memory only: records hold prompt text. The oldest is forgotten first. */
export function createWhyLog(capacity = capacityDefault): WhyLog {
  const records = new Map<RequestId, WhyRecord>();
  return {
    remember(requestId, tenant, trace, sample) {
      if (records.size >= capacity && !records.has(requestId)) records.delete(records.keys().next().value!);
      records.set(requestId, { requestId, tenant, trace, sample });
    },
    get: (requestId) => records.get(requestId),
  };
}
