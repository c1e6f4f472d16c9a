import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { testRandom } from '../../../testing/seeded-random.ts';
import { backoffMs, RateGate, routes, type Route } from './rate.ts';

const never = new AbortController().signal;

/** When each of `count` calls, all made at once, may be sent. */
async function passes(route: Route, count: number): Promise<number[]> {
  const clock = new FakeClock();
  const gate = new RateGate(clock);
  const at: number[] = [];
  for (let i = 0; i < count; i++) void gate.pass(route, never).then(() => at.push(clock.monotonicMs()));
  await clock.advance(600_000);
  return at;
}

describe('pace of calls to the market', () => {
  it('leaves a little more than the stated interval between two calls of a route', async () => {
    for (const [route, { thresholdMs }] of Object.entries(routes)) {
      if (route === 'search') continue;
      const at = await passes(route as Route, 5);
      assert.equal(at[0], 0);
      for (let i = 1; i < at.length; i++) {
        const gap = at[i]! - at[i - 1]!;
        assert.ok(gap >= thresholdMs && gap <= thresholdMs * 1.2, `${route}: ${gap}`);
      }
    }
  });

  it('lets some searches pass at once, and never more than ten in a minute after that', async () => {
    const at = await passes('search', 60);
    assert.ok(at.filter((ms) => ms === 0).length >= 3);
    for (const from of at) {
      const within = at.filter((ms) => ms >= from && ms < from + 60_000).length;
      assert.ok(within <= 10, `${within} in the minute after ${from}`);
    }
  });

  it('paces each route by itself', async () => {
    const clock = new FakeClock();
    const gate = new RateGate(clock);
    await gate.pass('list', never);
    await gate.pass('destroy', never);
    await gate.pass('create', never);
    assert.equal(clock.monotonicMs(), 0);
  });

  it('stops waiting when the caller leaves', async () => {
    const clock = new FakeClock();
    const gate = new RateGate(clock);
    await gate.pass('create', never);
    const leaving = new AbortController();
    const waiting = gate.pass('create', leaving.signal);
    leaving.abort(new Error('left'));
    await assert.rejects(waiting, /left/);
    assert.equal(clock.pendingTimers, 0);
  });

  it('backs off twice as long each time, within half and one and a half, and never over a minute', () => {
    const random = testRandom('backoff');
    for (let tries = 1; tries <= 12; tries++) {
      for (const thresholdMs of [0, 1_000, 4_500]) {
        const ms = backoffMs(tries, thresholdMs, random);
        const base = Math.max(1_000, thresholdMs) * 2 ** (tries - 1);
        assert.ok(ms <= 60_000 && ms >= Math.min(60_000, base * 0.5) && ms <= Math.max(base * 1.5, 1_500), `${ms}`);
      }
    }
  });
});
