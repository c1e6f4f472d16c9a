/** The dashboards ask for metrics that exist, by labels and values that these have, in words that Prometheus understands. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { grafanaFiles } from '../scripts/reference/grafana.ts';
import { recordings } from '../src/telemetry/alerts/rules/recordings.ts';
import type { MetricDefinition } from '../src/telemetry/metrics/definition.ts';
import { metricTable } from '../src/telemetry/metrics.ts';

const datasource = z.strictObject({ type: z.literal('prometheus'), uid: z.literal('${datasource}') });
const target = z.strictObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource,
  expr: z.string().min(1),
  legendFormat: z.string(),
});
const panel = z.object({
  id: z.int().positive(),
  type: z.enum(['row', 'stat', 'timeseries']),
  title: z.string().min(1),
  gridPos: z.strictObject({
    x: z.int().min(0).max(23),
    y: z.int().min(0),
    w: z.int().min(1).max(24),
    h: z.int().min(1),
  }),
  targets: z.array(target).min(1).optional(),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string() }), overrides: z.array(z.unknown()) }).optional(),
});
const dashboardSchema = z.object({
  uid: z.string().min(1).max(40),
  title: z.string().min(1),
  schemaVersion: z.int().min(36),
  templating: z.object({ list: z.array(z.object({ name: z.literal('datasource') })).length(1) }),
  panels: z.array(panel).min(10),
});

const dashboards = Object.entries(grafanaFiles())
  .filter(([path]) => path.endsWith('.json'))
  .map(([path, text]) => ({ path, dashboard: dashboardSchema.parse(JSON.parse(text)) }));
const queries = dashboards.flatMap(({ dashboard }) =>
  dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
  ),
);
const known = new Map(Object.values<MetricDefinition>(metricTable).map((definition) => [definition.name, definition]));
const recorded = new Set(recordings.map(({ name }) => name));

describe('dashboards of Grafana', () => {
  it('are two, of which panels lie beside and not on each other', () => {
    assert.equal(dashboards.length, 2);
    for (const { path, dashboard } of dashboards) {
      const taken = new Set<string>();
      const { panels } = dashboard;
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, path);
      for (const { title, gridPos } of panels) {
        assert.ok(gridPos.x + gridPos.w <= 24, title);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            assert.ok(!taken.has(`${x},${y}`), `${path}: ${title} lies on another panel`);
            taken.add(`${x},${y}`);
          }
        }
      }
    }
  });

  it('ask for metrics that exist, by labels and values that these have', () => {
    let seen = 0;
    for (const { title, expr, legendFormat } of queries) {
      const labels = new Set<string>();
      for (const [, name, selector = ''] of expr.matchAll(/((?:selfhost_\w+|selfhost:[\w:]+))(?:\{([^}]*)\})?/g)) {
        seen++;
        if (recorded.has(name!)) continue;
        const definition = known.get(name!.replace(/_(bucket|sum|count)$/, '')) ?? known.get(name!);
        assert.ok(definition, `${title}: there is no metric ${name}`);
        assert.equal(
          name!.endsWith('_bucket'),
          definition.type === 'histogram',
          `${title}: ${name} is a ${definition.type}`,
        );
        for (const label of Object.keys(definition.labels)) labels.add(label);
        for (const [, label, values] of selector.matchAll(/(\w+)=~?"([^"]*)"/g)) {
          const domain = definition.labels[label!];
          assert.ok(domain, `${title}: ${name} has no label ${label}`);
          if ('max' in domain) continue;
          for (const value of values!.split('|'))
            assert.ok(domain.includes(value), `${title}: ${label} is never ${value}`);
        }
      }
      const by = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names]) => names!.split(', '));
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name!);
      for (const label of [...by.filter((each) => each !== 'le' && each !== ''), ...shown]) {
        assert.ok(labels.has(label), `${title}: nothing there has a label ${label}`);
      }
      for (const label of shown)
        assert.ok(by.includes(label), `${title}: the legend names ${label}, which is summed away`);
    }
    assert.ok(seen > 50, `${seen} metrics seen`);
  });

  it('show every metric that somebody would watch', () => {
    const unseen = [...known.keys()].filter((name) => !queries.some(({ expr }) => expr.includes(name)));
    assert.deepEqual(
      unseen.filter((name) => !notWatched.test(name)),
      [],
    );
  });

  it('ask in words that Prometheus understands', () => {
    const folder = mkdtempSync(join(tmpdir(), 'selfhost-grafana-'));
    try {
      const rules = queries.map(({ expr }, index) => ({
        record: `panel:${index}`,
        expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '6h'),
      }));
      const path = join(folder, 'panels.json');
      writeFileSync(path, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
      const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', path], { encoding: 'utf8' });
      assert.equal(status, 0, `${stdout}\n${stderr}`);
      assert.match(stdout, new RegExp(`SUCCESS: ${queries.length} rules found`));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** Facts about the build, counters of details that `status` shows, and what Redis has a page of its own for. */
const notWatched =
  /_info$|_hit_age_|_labels_total|_audit_drops|_breaker_firings|selfhost_redis_|_claim|selfhost_keys?_/;
