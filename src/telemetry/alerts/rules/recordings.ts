import { metricTable } from '../../metrics.ts';
import { increase, rate, share, type Expression } from '../expression.ts';
import { dayMs, hourMs, minuteMs, type Recording } from '../rule.ts';

const faults = ['upstream_error', 'timeout', 'overloaded'] as const;
/** What the caller did wrong, or what the operator's own cap refused, is no outage. */
export const notCounted = ['client_error', 'cancelled', 'budget_blocked'] as const;

/** Over more than a recording's own name says, a rate is read at several windows. */
const errorWindows = {
  '5m': 5 * minuteMs,
  '30m': 30 * minuteMs,
  '1h': hourMs,
  '6h': 6 * hourMs,
  '3d': 3 * dayMs,
} as const;

const { requests, cacheLookups, thinkerSeconds } = metricTable;

const errorShare = (windowMs: number): Expression =>
  share(rate(requests.name, windowMs, { outcome: faults }), rate(requests.name, windowMs, { '!outcome': notCounted }));

export const errorRatio = (window: keyof typeof errorWindows): string => `selfhost:error_ratio:rate${window}`;
export const cacheHitRatio = 'selfhost:cache_hit_ratio:rate1h';
export const utilizationRatio = 'selfhost:utilization_ratio:rate1h';

export const recordings: readonly Recording[] = [
  ...(Object.keys(errorWindows) as (keyof typeof errorWindows)[]).map((window) => ({
    name: errorRatio(window),
    of: errorShare(errorWindows[window]),
  })),
  {
    name: cacheHitRatio,
    of: share(
      increase(cacheLookups.name, hourMs, { result: ['hit_exact', 'hit_semantic'] }),
      increase(cacheLookups.name, hourMs, { result: ['hit_exact', 'hit_semantic', 'miss', 'near_miss', 'holdout'] }),
    ),
  },
  {
    name: utilizationRatio,
    of: share(
      increase(thinkerSeconds.name, hourMs, { phase: 'busy' }),
      increase(thinkerSeconds.name, hourMs, { phase: ['busy', 'idle', 'cold'] }),
    ),
  },
];
