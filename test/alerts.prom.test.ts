/** One catalogue, two readers: Prometheus and the built-in evaluator must say the same of the same hours. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { prometheusAlerts, prometheusConfig, prometheusRules } from '../scripts/reference/prometheus.ts';
import { epochMs } from '../src/core/units.ts';
import { alertRules } from '../src/telemetry/alerts/catalogue.ts';
import { recordings } from '../src/telemetry/alerts/rules/recordings.ts';
import { Watch, type AlertState } from '../src/telemetry/alerts/watch.ts';
import { gone, scenarios } from './support/alert-scenarios.ts';
import type { Scenario } from './support/alert-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'selfhost-prom-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const alerts = prometheusAlerts();
/** Samples and evaluations, for both: half the work of a minute, and still three samples in the shortest window. */
const stepMinutes = 2;

describe('rules for Prometheus', () => {
  it('pass its own check', () => {
    writeFileSync(join(folder, 'selfhost-rules.yaml'), prometheusRules());
    const told = promtool('check', 'rules', join(folder, 'selfhost-rules.yaml'));
    assert.match(told, new RegExp(`SUCCESS: ${alerts.length + recordings.length} rules found`));
    writeFileSync(join(folder, 'prometheus.yaml'), prometheusConfig());
    promtool('check', 'config', '--syntax-only', join(folder, 'prometheus.yaml'));
  });

  it('have a bad hour for every alert', () => {
    const told = new Set([...scenarios, gone].flatMap(({ fires }) => fires));
    const without = alerts.map(nameOf).filter((name) => !told.has(name));
    assert.deepEqual(without, []);
  });

  it('fire in their bad hours and are silent otherwise, as the built-in evaluator does', () => {
    const tests = scenarios.map((scenario) => {
      const times = checkTimes(scenario);
      const verdicts = builtInVerdicts(scenario, times);
      assert.deepEqual([...verdicts.get(scenario.minutes)!.keys()].sort(), scenario.fires.toSorted(), scenario.title);
      return promtoolTest(scenario, times, (minute, name) => verdicts.get(minute)!.get(name) ?? []);
    });
    runTests(tests);
  });

  it('tell of a gateway that is gone', () => {
    runTests([
      promtoolTest(gone, [28, gone.minutes], (minute, name) => (minute > 30 && name === gone.fires[0] ? [{}] : [])),
    ]);
  });
});

type Labels = Readonly<Record<string, string>>;
/** By `Name severity`: the label sets it fires for. */
type Verdicts = ReadonlyMap<string, readonly Labels[]>;

const nameOf = ({ alert, labels }: { readonly alert: string; readonly labels: { readonly severity: string } }) =>
  `${alert} ${labels.severity}`;

/** Along the way and at the end: an alert that fires too early is as wrong as one that does not fire. */
const checkTimes = ({ minutes }: Scenario): number[] =>
  [0.2, 0.5, 0.75, 0.9, 1].map((part) => Math.floor((minutes * part) / stepMinutes) * stepMinutes);

function builtInVerdicts(scenario: Scenario, times: readonly number[]): ReadonlyMap<number, Verdicts> {
  const watch = new Watch({ rules: alertRules, recordings });
  const verdicts = new Map<number, Verdicts>();
  for (let minute = 0; minute <= scenario.minutes; minute += stepMinutes) {
    const samples = scenario.lines.flatMap(({ name, labels, at }) => {
      const value = at(minute);
      return value === undefined ? [] : [{ name, labels, value }];
    });
    const states = watch.tick(epochMs(minute * 60_000), samples);
    if (times.includes(minute)) verdicts.set(minute, new Map(states.flatMap(firing)));
  }
  return verdicts;
}

/** Prometheus shows the warning beside the alert; ours is the higher of the two. */
function firing({ rule, level, alertFor, warnFor }: AlertState): [string, readonly Labels[]][] {
  const out: [string, readonly Labels[]][] = [];
  if (level === 'alert') out.push([`${rule.name} ${rule.severity}`, alertFor.map(parseLabels)]);
  if (rule.warnWhen !== undefined && warnFor.length > 0) out.push([`${rule.name} warn`, warnFor.map(parseLabels)]);
  return out;
}

const parseLabels = (text: string): Labels =>
  Object.fromEntries(text.split(',').flatMap((pair) => (pair === '' ? [] : [pair.split('=') as [string, string]])));

function promtoolTest(
  { title, minutes, lines }: Scenario,
  times: readonly number[],
  expected: (minute: number, name: string) => readonly Labels[],
) {
  return {
    name: title,
    interval: `${stepMinutes}m`,
    input_series: lines.map(({ name, labels, at }) => ({
      series: `${name}{${Object.entries(labels)
        .map(([label, value]) => `${label}="${value}"`)
        .join(',')}}`,
      values: Array.from({ length: minutes / stepMinutes + 1 }, (_, step) => at(step * stepMinutes) ?? '_').join(' '),
    })),
    alert_rule_test: times.flatMap((minute) =>
      alerts.map((alert) => ({
        eval_time: `${minute}m`,
        alertname: alert.alert,
        exp_alerts: alerts
          .filter((each) => each.alert === alert.alert)
          .flatMap((each) =>
            expected(minute, nameOf(each)).map((labels) => ({
              exp_labels: { ...labels, ...each.labels },
              exp_annotations: each.annotations,
            })),
          ),
      })),
    ),
  };
}

function runTests(tests: readonly object[]): void {
  const path = join(folder, 'tests.json');
  writeFileSync(join(folder, 'selfhost-rules.yaml'), prometheusRules());
  // JSON is YAML too, and needs no library to write.
  writeFileSync(
    path,
    JSON.stringify({ rule_files: ['selfhost-rules.yaml'], evaluation_interval: `${stepMinutes}m`, tests }),
  );
  promtool('test', 'rules', path);
}

function promtool(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8', timeout: 100_000 });
  assert.equal(status, 0, `promtool ${args[0]} ${args[1]}\n${stdout}\n${stderr}`.slice(0, 8000));
  return stdout;
}
