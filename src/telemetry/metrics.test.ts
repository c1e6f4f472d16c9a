import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { MetricDefinition } from './metrics/definition.ts';
import { createMetrics, metricTable, seriesMax } from './metrics.ts';
import { createModelLabels, otherModel } from './model-labels.ts';

const definitions = Object.values<MetricDefinition>(metricTable);

it('names metrics with their base unit, and counters as totals', () => {
  for (const { name, type } of definitions) {
    assert.match(name, /^selfhost_[a-z0-9_]+$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.doesNotMatch(name, /_(ms|milliseconds|minutes|kb|mb|percent)(_|$)/, name);
  }
  assert.equal(new Set(definitions.map(({ name }) => name)).size, definitions.length);
});

it('has the promises of the product among the edges of its histograms', () => {
  assert.ok(metricTable.requestDuration.buckets.includes(0.1), 'hits under 100 ms');
  assert.ok(metricTable.timeToFirstToken.buckets.includes(5), 'first token under 5 s');
  for (const { buckets } of definitions) {
    assert.deepEqual(
      buckets?.toSorted((a, b) => a - b),
      buckets,
    );
  }
});

it('shows from the start what an alert must hear as silence, and nothing of what is not configured', async () => {
  const { registry } = createMetrics();
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const names = new Set(lines.map((line) => line.replace(/[{ ].*$/, '').replace(/_(bucket|sum|count)$/, '')));
  for (const { name, type, start } of definitions) {
    if (type === 'histogram') continue;
    assert.equal(names.has(name), start === 'zero', name);
  }
  assert.ok(lines.includes('selfhost_cost_usd_total{component="gpu_idle"} 0'));
  assert.ok(lines.includes('selfhost_thinkers{state="ready"} 0'));
});

it('gives the first names a label of their own and counts the rest as other', () => {
  const labels = createModelLabels(metricTable, seriesMax);
  const claims = [{ metric: 'queueWait', others: '' }];
  const given = Array.from({ length: 30 }, (_, index) => labels.claim(`m${index}`, claims));
  assert.equal(given.filter((label) => label !== otherModel).length, 20);
  assert.equal(labels.claim('m3', claims), 'm3');
  assert.equal(labels.claim('m29', claims), otherModel);
});

it('gives no label for which there are no series left, and the same answer again', () => {
  const table = {
    fixed: { type: 'counter', name: 'a', labels: { kind: ['x', 'y'] }, start: 'zero', help: '' },
    perModel: { type: 'counter', name: 'b', labels: { model: { max: 21 }, kind: ['x', 'y'] }, start: 'zero', help: '' },
  } as const satisfies Record<string, MetricDefinition>;
  // The stranger's domain is not the shared one, so it is set aside as a whole: 2 + 42.
  const labels = createModelLabels(table, 44 + 3);
  const claim = (model: string, ...kinds: string[]) =>
    labels.claim(
      model,
      kinds.map((others) => ({ metric: 'perModel', others })),
    );
  assert.equal(claim('m1', 'x', 'y'), 'm1');
  assert.equal(claim('m2', 'x', 'y'), otherModel, 'two wanted, one left');
  assert.equal(claim('m2', 'x'), 'm2');
  assert.equal(claim('m3', 'x'), otherModel);
  assert.equal(claim('m1', 'y', 'x'), 'm1', 'claimed before');
  assert.throws(() => createModelLabels(table, 43), /44 series/);
});
