import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { epochMs, type EpochMs } from '../core/units.ts';
import { createDemandMeter, type ArrivedRequest, type DemandMeter } from './demand-work.ts';

const start = Date.UTC(2026, 0, 5);
const at = (second: number): EpochMs => epochMs(start + second * 1000);
const ask = (id: string, fields: Partial<ArrivedRequest> = {}): ArrivedRequest => ({
  id,
  key: 'k',
  model: 'm',
  tokensMax: undefined,
  promptTokens: 0,
  ...fields,
});
const meterOf = (options = {}) => createDemandMeter({ promptWeight: 0.1, ...options });
/** Ends in the second it comes. */
function answer(
  meter: DemandMeter,
  id: string,
  second: number,
  completionTokens: number,
  fields: Partial<ArrivedRequest> = {},
): void {
  meter.arrived(ask(id, fields), at(second));
  meter.started(id);
  meter.ended(id, { promptTokens: fields.promptTokens ?? 0, completionTokens }, at(second));
}

describe('demand in token work', () => {
  it('counts answer tokens, and prompt tokens by the GPU time they take', () => {
    const meter = meterOf();
    answer(meter, 'a', 0, 100, { promptTokens: 1000 });
    const { perS30, perS300, buckets, idleS } = meter.snapshot(at(5));
    assert.equal(perS30, 200 / 30);
    assert.equal(perS300, 200 / 300);
    assert.equal(buckets.at(-1), 200);
    assert.equal(idleS, 5);
  });

  it('guesses by the habit of key, model and limit, and puts the truth in place where the request came', () => {
    const meter = meterOf();
    for (let i = 0; i < 20; i++) answer(meter, `a${i}`, 0, 10, { key: 'short' });
    for (let i = 0; i < 20; i++) answer(meter, `b${i}`, 0, 500, { key: 'long' });
    const work = (fields: Partial<ArrivedRequest>) => {
      const before = meter.snapshot(at(700)).queuedWork;
      meter.arrived(ask('probe', fields), at(700));
      const after = meter.snapshot(at(700)).queuedWork;
      meter.ended('probe', undefined, at(700));
      return after - before;
    };
    assert.equal(work({ key: 'short' }), 10);
    assert.equal(work({ key: 'long' }), 500);
    assert.equal(work({ key: 'long', tokensMax: 64 }), 64);

    const fresh = meterOf();
    fresh.arrived(ask('a'), at(0));
    fresh.started('a');
    assert.equal(fresh.snapshot(at(20)).buckets.at(-3), 200, 'a guess before anything is known');
    fresh.ended('a', { promptTokens: 0, completionTokens: 40 }, at(20));
    assert.equal(fresh.snapshot(at(20)).buckets.at(-3), 40);
  });

  it('knows what waits, for how long, and what a lost machine sends back', () => {
    const meter = meterOf();
    meter.arrived(ask('a'), at(0));
    meter.arrived(ask('b'), at(3));
    let seen = meter.snapshot(at(10));
    assert.deepEqual([seen.queued, seen.running, seen.oldestQueuedS, seen.queuedWork, seen.idleS], [2, 0, 10, 400, 0]);
    meter.started('a');
    seen = meter.snapshot(at(10));
    assert.deepEqual([seen.queued, seen.running, seen.oldestQueuedS, seen.queuedWork], [1, 1, 7, 200]);
    meter.requeued('a', at(20));
    seen = meter.snapshot(at(25));
    assert.deepEqual([seen.queued, seen.running, seen.oldestQueuedS, seen.queuedWork], [2, 0, 22, 400]);
    assert.equal(seen.perS30, 600 / 30, 'its work has come a second time');
    meter.ended('a', undefined, at(26));
    meter.ended('b', undefined, at(26));
    seen = meter.snapshot(at(36));
    assert.deepEqual([seen.queued, seen.queuedWork, seen.idleS], [0, 0, 10]);
  });

  it('takes work that waits for something, though all answers so far were empty', () => {
    const meter = meterOf();
    answer(meter, 'a', 0, 0);
    meter.arrived(ask('b'), at(1));
    assert.equal(meter.snapshot(at(1)).queuedWork, 1);
  });

  it('has never been idle before the first request', () => {
    assert.equal(meterOf().snapshot(at(0)).idleS, Infinity);
  });

  it('adds up: what is in the windows is what came, whatever the order of events', () => {
    const steps = fc.array(
      fc.record({
        afterS: fc.nat(90),
        tokens: fc.nat(900),
        kind: fc.constantFrom('arrive', 'start', 'lose', 'end', 'abort'),
      }),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(steps, (events) => {
        const meter = meterOf();
        const open: { id: string; running: boolean }[] = [];
        let second = 0;
        for (const [i, { afterS, tokens, kind }] of events.entries()) {
          second += afterS;
          const first = open[0];
          if (kind === 'arrive') {
            meter.arrived(ask(`${i}`), at(second));
            open.push({ id: `${i}`, running: false });
          } else if (first === undefined) continue;
          else if (kind === 'start') {
            meter.started(first.id);
            first.running = true;
          } else if (kind === 'lose') {
            meter.requeued(first.id, at(second));
            first.running = false;
          } else {
            meter.ended(
              first.id,
              kind === 'end' ? { promptTokens: 0, completionTokens: tokens } : undefined,
              at(second),
            );
            open.shift();
          }
        }
        const seen = meter.snapshot(at(second));
        assert.equal(seen.queued, open.filter(({ running }) => !running).length);
        assert.equal(seen.running, open.filter(({ running }) => running).length);
        assert.equal(seen.buckets.length, 60);
        assert.ok(seen.buckets.every((work) => work >= 0));
        assert.ok(Math.abs(seen.perS600 * 600 - seen.buckets.reduce((sum, work) => sum + work, 0)) < 1e-6);
        assert.ok(seen.queued > 0 ? seen.queuedWork > 0 : seen.queuedWork === 0 && seen.oldestQueuedS === 0);
      }),
    );
  });

  it('forgets what is older than ten minutes', () => {
    const meter = meterOf();
    answer(meter, 'a', 0, 600);
    assert.equal(meter.snapshot(at(599)).perS600, 1);
    assert.equal(meter.snapshot(at(600)).perS600, 0);
    answer(meter, 'b', 100_000, 60);
    assert.equal(meter.snapshot(at(100_000)).perS30, 2);
  });

  it('follows a bounded number of requests, and still counts the others', () => {
    const meter = meterOf({ requestsMax: 2 });
    for (const id of ['a', 'b', 'c']) meter.arrived(ask(id), at(0));
    const seen = meter.snapshot(at(1));
    assert.deepEqual([seen.queued, seen.perS30], [2, 600 / 30]);
    meter.ended('c', { promptTokens: 0, completionTokens: 1 }, at(1));
    assert.equal(meter.snapshot(at(1)).perS30, 600 / 30);
  });

  it('survives a clock that is set back', () => {
    const meter = meterOf();
    answer(meter, 'a', 1000, 30);
    answer(meter, 'b', 400, 30);
    assert.equal(meter.snapshot(at(1000)).perS30, 2);
  });
});
