import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Counter, Histogram, Registry } from 'prom-client';
import { seededRandom } from '../core/random.ts';
import { HotCounter, HotHistogram } from './hot-metrics.ts';

const common = { name: 'm', help: 'h', labelNames: ['kind', 'side'] };
const buckets = [0.005, 0.1, 1];

it('shows the same text as prom-client for the same observations', async () => {
  const random = seededRandom(7);
  const registries = { hot: new Registry(), plain: new Registry() };
  const hot = new HotHistogram({ ...common, buckets, registers: [registries.hot] });
  const plain = new Histogram({ ...common, buckets, registers: [registries.plain] });
  for (let i = 0; i < 500; i++) {
    const labels = { kind: `k${random.int(3)}`, side: 'a' };
    // Whole sums, so that the order of additions does not show in the last digit.
    const value = [0.005, 0.25, 0.5, 1, 2, 0][random.int(6)]!;
    for (const metric of [hot, plain]) {
      if (i % 3 === 0) metric.observe(labels, value === 0.005 ? 0.25 : value);
      else metric.labels(labels).observe(value === 0.005 ? 0 : value);
    }
    if (i % 100 === 0) assert.equal(sorted(await registries.hot.metrics()), sorted(await registries.plain.metrics()));
  }
  assert.equal(sorted(await registries.hot.metrics()), sorted(await registries.plain.metrics()));
});

it('puts a value that equals a bound into its bucket', async () => {
  const registers = [new Registry()];
  const hot = new HotHistogram({ ...common, buckets, registers });
  for (const value of buckets) hot.labels('a', 'b').observe(value);
  const { values } = await hot.get();
  const cumulative = values.filter(({ metricName }) => metricName === 'm_bucket').map(({ value }) => value);
  assert.deepEqual(cumulative, [1, 2, 3, 3]);
});

it('counts through handles and directly into one series, by name or in order of labels', async () => {
  const registries = { hot: new Registry(), plain: new Registry() };
  const hot = new HotCounter({ ...common, registers: [registries.hot] });
  const plain = new Counter({ ...common, registers: [registries.plain] });
  for (const metric of [hot, plain]) {
    metric.labels('a', 'b').inc();
    metric.labels({ kind: 'a', side: 'b' }).inc(4);
    metric.inc({ kind: 'a', side: 'b' });
    metric.inc({ kind: 'z', side: 'b' }, 0);
  }
  assert.equal(sorted(await registries.hot.metrics()), sorted(await registries.plain.metrics()));
  assert.equal(sorted(await registries.hot.metrics()), sorted(await registries.plain.metrics()), 'read twice');
});

it('makes no series of a handle that was never used, and refuses what is no number', async () => {
  const registers = [new Registry()];
  const histogram = new HotHistogram({ ...common, name: 'h', buckets, registers });
  const counter = new HotCounter({ ...common, registers });
  histogram.labels('a', 'b');
  counter.labels('a', 'b');
  assert.deepEqual((await histogram.get()).values, []);
  assert.deepEqual((await counter.get()).values, []);
  assert.throws(() => histogram.labels('a', 'b').observe(NaN), TypeError);
  assert.throws(() => counter.labels('a', 'b').inc(-1), TypeError);
  assert.throws(() => counter.labels('a'), TypeError);
});

const sorted = (text: string): string => text.split('\n').sort().join('\n');
