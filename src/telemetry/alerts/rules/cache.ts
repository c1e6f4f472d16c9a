import { metricTable } from '../../metrics.ts';
import { above, and, atLeast, average, below, each, increase, share, times, type Expression } from '../expression.ts';
import { dayMs, hourMs, minuteMs, type AlertRule } from '../rule.ts';
import { cacheHitRatio } from './recordings.ts';

const { cacheAudits, cacheBreakerFirings, cacheLookups } = metricTable;

const wrongShareAbove = (limit: number): Expression =>
  and(
    above(
      share(
        increase(cacheAudits.name, 7 * dayMs, { verdict: 'wrong' }),
        increase(cacheAudits.name, 7 * dayMs, { verdict: ['wrong', 'correct'] }),
      ),
      limit,
    ),
    atLeast(increase(cacheAudits.name, 7 * dayMs, { verdict: 'wrong' }), 3),
  );

export const cacheRules: readonly AlertRule[] = [
  {
    name: 'HitRateDrop',
    severity: 'ticket',
    when: and(
      below(each(cacheHitRatio), times(0.6, average(cacheHitRatio, 7 * dayMs))),
      above(increase(cacheLookups.name, hourMs), 100),
    ),
    forMs: 30 * minuteMs,
    noData: 'ok',
    summary: 'Far fewer answers come from the cache than in the days before.',
    action: 'See `llm-self-host why` for a few misses; a changed model, system prompt or sampling are the usual ones.',
  },
  {
    name: 'FalseHitRateHigh',
    severity: 'page',
    when: wrongShareAbove(0.02),
    forMs: 0,
    noData: 'ok',
    summary: 'Audits find more than 2 % of the semantic hits wrong.',
    action: 'Lower `cache.falseHitShareMax`, or set `cache.mode: exact-only` until it is understood.',
  },
  {
    name: 'SemanticTierClosed',
    severity: 'ticket',
    when: above(increase(cacheBreakerFirings.name, hourMs), 0),
    forMs: 0,
    noData: 'ok',
    summary: 'Audits closed the semantic tier: only the same request again is answered from the cache.',
    action: 'It opens by itself when audits are good again; `llm-self-host status` shows how they stand.',
  },
];
