import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testRandom } from '../../testing/seeded-random.ts';
import { Breaker, wilsonInterval } from './breaker.ts';

const target = 0.05;

describe('the breaker', () => {
  it('fires before the share of wrong hits since the start doubles the target, when half the target becomes four times it, in four of five streams', () => {
    const random = testRandom('drift');
    const streams = 400;
    let inTime = 0;
    for (let stream = 0; stream < streams; stream++) {
      const breaker = new Breaker();
      let hits = 0;
      let wrong = 0;
      let fired = false;
      while (hits < 20_000 && !fired) {
        hits += 1;
        const isWrong = random.float() < (hits <= 1_000 ? target / 2 : target * 4);
        if (isWrong) wrong += 1;
        const rate = breaker.suspects ? 0.3 : hits <= 1_000 ? 0.1 : 0.02;
        if (random.float() < rate) fired = breaker.audited(!isWrong, target) !== undefined;
      }
      if (fired && wrong / hits < 2 * target) inTime += 1;
    }
    assert.ok(inTime / streams >= 0.8, `${inTime} of ${streams} in time`);
  });

  it('keeps still for a thousand audits at half the target, in four of five streams', () => {
    const random = testRandom('no drift');
    let still = 0;
    for (let stream = 0; stream < 400; stream++) {
      const breaker = new Breaker();
      let fired = false;
      for (let audit = 0; audit < 1_000; audit++)
        fired ||= breaker.audited(random.float() >= target / 2, target) !== undefined;
      if (!fired) still += 1;
    }
    assert.ok(still / 400 >= 0.8, `${still} of 400`);
  });

  it('fires once, and again only after a reset', () => {
    const breaker = new Breaker();
    const reasons = Array.from({ length: 10 }, () => breaker.audited(false, target)).filter((why) => why !== undefined);
    assert.equal(reasons.length, 1);
    assert.equal(breaker.open, true);
    breaker.reset();
    assert.equal(breaker.open, false);
    assert.deepEqual(breaker.counts(), { audited: 0, wrong: 0 });
    assert.ok(Array.from({ length: 10 }, () => breaker.audited(false, target)).some((why) => why !== undefined));
    assert.equal(breaker.firings, 2);
  });

  it('does not fire for a single wrong hit, but looks closer until right ones make up for it', () => {
    const breaker = new Breaker();
    assert.equal(breaker.audited(false, target), undefined);
    assert.equal(breaker.suspects, true);
    for (let i = 0; i < 8; i++) breaker.audited(true, target);
    assert.equal(breaker.suspects, false);
  });

  it('is what it was after a restart', () => {
    const breaker = new Breaker();
    for (const right of [true, false, true, false]) breaker.audited(right, target);
    const other = new Breaker();
    other.import(JSON.parse(JSON.stringify(breaker.export())));
    assert.deepEqual(other.export(), breaker.export());
    assert.deepEqual(other.counts(), { audited: 4, wrong: 2 });
  });

  it('forgets what is out of its window', () => {
    const breaker = new Breaker();
    breaker.audited(false, target);
    for (let i = 0; i < 400; i++) breaker.audited(true, target);
    assert.deepEqual(breaker.counts(), { audited: 400, wrong: 0 });
  });

  it('uses Wilson intervals as published', () => {
    // Newcombe (1998), table I.
    const { low, high } = wilsonInterval(15, 148);
    assert.ok(Math.abs(low - 0.0624) < 5e-5 && Math.abs(high - 0.1605) < 5e-5, `${low}, ${high}`);
    assert.deepEqual(wilsonInterval(0, 0), { low: 0, high: 1 });
  });
});
