import { metricTable } from '../../metrics.ts';
import { above, and, each, increase, minus, number, rate, share, type Expression } from '../expression.ts';
import { dayMs, hourMs, minuteMs, type AlertRule } from '../rule.ts';
import { errorRatio, notCounted } from './recordings.ts';

const { requests, requestDuration, timeToFirstToken } = metricTable;

/** 99.5 % of requests are answered: half a percent may fail. */
const errorBudget = 0.005;
/** 95 % of hits within 100 ms, and of misses with a first token within 5 s. */
const slowBudget = 0.05;

/**
 * Two windows: the long one says that it matters, the short one that it still goes on. A count of requests
 * beside them, because one failure among three requests is no trend.
 */
const burn = (
  factor: number,
  long: '1h' | '6h' | '3d',
  short: '5m' | '30m' | '6h',
  requestsMin: number,
  longMs: number,
) =>
  and(
    above(each(errorRatio(long)), factor * errorBudget),
    above(each(errorRatio(short)), factor * errorBudget),
    above(increase(requests.name, longMs, { '!outcome': notCounted }), requestsMin),
  );

const slowShare = (
  name: string,
  edge: string,
  where: Readonly<Record<string, string | readonly string[]>>,
): Expression =>
  minus(number(1), share(rate(`${name}_bucket`, hourMs, { ...where, le: edge }), rate(`${name}_count`, hourMs, where)));

const hits = { source: ['exact', 'semantic'] };
const misses = { source: 'thinker' };

export const availabilityRules: readonly AlertRule[] = [
  {
    name: 'AvailabilityFastBurn',
    severity: 'page',
    when: burn(14.4, '1h', '5m', 50, hourMs),
    forMs: 0,
    noData: 'ok',
    summary: 'More than 7 % of requests fail: a month of allowed failures is gone in two days.',
    action: 'Run `llm-self-host status`: see which thinkers are not ready, and what their last error is.',
  },
  {
    name: 'AvailabilityBurn',
    severity: 'page',
    when: burn(6, '6h', '30m', 100, 6 * hourMs),
    forMs: 0,
    noData: 'ok',
    summary: 'More than 3 % of requests have failed for hours.',
    action: 'Run `llm-self-host status`: see which thinkers are not ready, and what their last error is.',
  },
  {
    name: 'AvailabilitySlowBurn',
    severity: 'ticket',
    when: burn(1, '3d', '6h', 500, 3 * dayMs),
    forMs: 0,
    noData: 'ok',
    summary: 'Requests fail more often than 99.5 % availability allows, for days.',
    action: 'Look in the log for what the failures have in common: one model, one thinker, one hour of the day.',
  },
  {
    name: 'HitLatencyBurn',
    severity: 'ticket',
    when: and(
      above(slowShare(requestDuration.name, '0.1', hits), 6 * slowBudget),
      above(increase(`${requestDuration.name}_count`, hourMs, hits), 30),
    ),
    forMs: 10 * minuteMs,
    noData: 'ok',
    summary: 'More than 30 % of cached answers take longer than 100 ms.',
    action: 'See `selfhost_cache_stage_seconds` for the slow stage; a busy CPU or a distant Redis are the usual ones.',
  },
  {
    name: 'MissTtftBurn',
    severity: 'page',
    when: and(
      above(slowShare(timeToFirstToken.name, '5', misses), 6 * slowBudget),
      above(increase(`${timeToFirstToken.name}_count`, hourMs, misses), 30),
    ),
    forMs: 5 * minuteMs,
    noData: 'ok',
    summary: 'More than 30 % of fresh answers wait longer than 5 s for their first token.',
    action: 'Compare `selfhost_queue_wait_seconds` with it: a long queue needs thinkers, a short one a faster model.',
  },
];
