import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelName, thinkerId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { usdMicros } from '../core/units.ts';
import { aModel } from '../testing/fake-thinker.ts';
import type { ThinkerView } from '../thinkers/thinker.ts';
import { explainAbsence, hasRoom, serves } from './filters.ts';
import { admit, pick } from './pickers.ts';
import { score, scoreContext } from './scorers.ts';

const x = modelName('x');

const aView = (parts: Partial<ThinkerView> = {}): ThinkerView => ({
  id: thinkerId(parts.name ?? 'a'),
  name: 'a',
  kind: 'static',
  url: 'http://a.invalid',
  state: 'ready',
  version: '1',
  models: new Map([[x, aModel('x')]]),
  loaded: new Set(),
  slot: 't1',
  vramUsedBytes: undefined,
  inFlight: 0,
  maxConcurrency: 4,
  busyMs: 0,
  ttftMsEwma: 0,
  failuresInRow: 0,
  costPerHour: usdMicros(0),
  weight: 1,
  lastError: undefined,
  ...parts,
});

const scoreOf = (view: ThinkerView, others: readonly ThinkerView[] = []): number =>
  score(view, scoreContext([view, ...others], x));

describe('filters', () => {
  it('serves only what is ready and has the model by its normalised name', () => {
    assert.equal(serves(aView(), modelName('x:latest')), true);
    assert.equal(serves(aView(), modelName('x:7b')), false);
    for (const state of ['loading', 'ejected', 'unreachable', 'draining'] as const)
      assert.equal(serves(aView({ state }), x), false);
    assert.deepEqual([hasRoom(aView({ inFlight: 3 })), hasRoom(aView({ inFlight: 4 }))], [true, false]);
  });

  it('explains an absence by what the thinkers are doing', () => {
    const without = { models: new Map() };
    const code = (views: ThinkerView[]) => {
      const absence = explainAbsence(views, x);
      return absence === 'wait' ? absence : absence.code;
    };
    assert.equal(code([]), 'no_thinker_ready');
    assert.equal(code([aView(without)]), 'model_not_found');
    assert.equal(code([aView(without), aView({ ...without, state: 'unreachable' })]), 'model_not_found');
    assert.equal(code([aView(without), aView({ state: 'unreachable' })]), 'no_thinker_ready');
    assert.equal(code([aView(without), aView({ state: 'loading' })]), 'wait');
    assert.equal(code([aView({ state: 'ejected' })]), 'no_thinker_ready');
  });
});

describe('scorers', () => {
  it('stay in [0, 1], with 1 for a loaded, idle, fastest, free thinker', () => {
    const best = aView({ loaded: new Set([x]), ttftMsEwma: 100 });
    const worst = aView({ inFlight: 4, ttftMsEwma: 1e9, costPerHour: usdMicros(5e6) });
    assert.equal(scoreOf(best, [worst]), 1);
    assert.ok(scoreOf(worst, [best]) >= 0 && scoreOf(worst, [best]) < 0.001);
  });

  it('order by the wait to expect: a cold load before a queue, a queue before speed, speed before price', () => {
    const loaded = { loaded: new Set([x]) };
    const cases: [Partial<ThinkerView>, Partial<ThinkerView>][] = [
      [{ ...loaded, inFlight: 3, costPerHour: usdMicros(9) }, {}],
      [
        { inFlight: 0, ttftMsEwma: 300 },
        { inFlight: 3, ttftMsEwma: 200 },
      ],
      [{ ttftMsEwma: 100, costPerHour: usdMicros(9) }, { ttftMsEwma: 900 }],
      [{ costPerHour: usdMicros(1) }, { costPerHour: usdMicros(2) }],
    ];
    for (const [better, worse] of cases.map(([a, b]) => [aView(a), aView(b)] as const))
      assert.ok(scoreOf(better, [worse]) > scoreOf(worse, [better]));
  });
});

describe('pickers', () => {
  it('take the best, and spread equals by chance', () => {
    const random = seededRandom(3);
    const views = ['a', 'b', 'c'].map((name) => aView({ name }));
    const counts = new Map<string, number>();
    for (let i = 0; i < 3_000; i++) {
      const { name } = pick(views, x, random);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    for (const count of counts.values()) assert.ok(count > 850 && count < 1_150, [...counts].join(' '));
    const warm = aView({ name: 'warm', loaded: new Set([x]) });
    for (let i = 0; i < 50; i++) assert.equal(pick([...views, warm], x, random).name, 'warm');
  });

  it('give a returning thinker the share of load that its weight says, and all of it when it is alone', () => {
    const random = seededRandom(5);
    const views = [aView({ name: 'back', weight: 0.25, loaded: new Set([x]) }), aView({ name: 'other' })];
    let back = 0;
    for (let i = 0; i < 4_000; i++) if (pick(views, x, random).name === 'back') back += 1;
    assert.ok(back > 900 && back < 1_100, `${back} of 4000`);
    assert.equal(admit([views[0]!], random).length, 1);
  });
});
