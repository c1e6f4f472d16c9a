/** How soon the breaker finds that hits have become worse, on simulated audits. */
import { Breaker } from '../../src/cache/decision/breaker.ts';
import { decisionEngineDefaults } from '../../src/cache/decision/engine-types.ts';
import { seededRandom } from '../../src/core/random.ts';
import type { Row } from '../lib/rows.ts';
import { percentile, round } from '../lib/stats.ts';

const streams = 1_000;
/** Hits after the change; a breaker that keeps still for so long is counted as never. */
const hitsMax = 50_000;

export function driftRows(seed: number): Row[] {
  const rows: Row[] = [];
  for (const target of [0.05, 0.1]) {
    for (const before of [1_000, 10_000]) {
      for (const factor of [2, 4, 8]) rows.push(driftRow({ target, before, factor, seed }));
    }
  }
  return rows;
}

/** Half the target wrong for `before` hits, then `factor` times the target. */
function driftRow(world: { target: number; before: number; factor: number; seed: number }): Row {
  const { target, before, factor } = world;
  const { auditFirst, auditLater, auditedFirst, auditSuspect } = decisionEngineDefaults;
  const random = seededRandom(world.seed);
  const after: number[] = [];
  const share: number[] = [];
  let early = 0;
  let inTime = 0;
  for (let stream = 0; stream < streams; stream++) {
    const breaker = new Breaker();
    let hits = 0;
    let wrong = 0;
    for (let fired = false; !fired && hits < before + hitsMax;) {
      hits += 1;
      const isWrong = random.float() < (hits <= before ? target / 2 : target * factor);
      if (isWrong) wrong += 1;
      const usual = hits <= auditedFirst ? auditFirst : auditLater;
      if (random.float() >= (breaker.suspects ? Math.max(usual, auditSuspect) : usual)) continue;
      fired = breaker.audited(!isWrong, target) !== undefined;
      if (fired && hits <= before) {
        // A false alarm: a certificate soon opens again, and the drift comes all the same.
        early += 1;
        breaker.reset();
        fired = false;
      }
    }
    after.push(hits - before);
    share.push(wrong / hits);
    if (wrong / hits < 2 * target) inTime += 1;
  }
  return {
    dataset: 'simulated drift',
    target,
    hitsBefore: before,
    shareBefore: target / 2,
    shareAfter: round(target * factor),
    streams,
    falseAlarms: early,
    hitsToFireP50: percentile(after, 0.5),
    hitsToFireP95: percentile(after, 0.95),
    fhsWhenFiredP50: round(percentile(share, 0.5), 4),
    fhsWhenFiredP95: round(percentile(share, 0.95), 4),
    firedBeforeFhsDoubled: round(inTime / streams, 3),
  };
}
