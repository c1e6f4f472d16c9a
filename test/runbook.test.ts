import assert from 'node:assert/strict';
import { it } from 'node:test';
import { alertRules } from '../src/telemetry/alerts/catalogue.ts';
import type { eventKinds } from '../src/telemetry/alerts/event-messages.ts';
import { wordsOf } from '../src/telemetry/alerts/event-messages.ts';
import { runbookAnchor } from '../src/telemetry/alerts/rule.ts';
import { usdMicros } from '../src/core/units.ts';
import type { RoomEvent } from '../src/telemetry/events.ts';
import { parseMarkdown } from './support/markdown.ts';
import { textOf } from './support/source-tree.ts';

const runbook = textOf('docs/runbook.md');
const sections = new Map(
  runbook
    .split(/^### /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);

it('has a section for every alert: what it means, what to check, how to mend it', () => {
  const { anchors } = parseMarkdown(runbook);
  for (const rule of alertRules) {
    assert.ok(anchors.has(runbookAnchor(rule)), `docs/runbook.md has no section ${rule.name}`);
    const section = sections.get(rule.name)!;
    for (const part of ['Meaning', 'Check', 'Fix'])
      assert.ok(section.includes(`**${part}.**`), `${rule.name}: ${part}`);
  }
});

it('has no section for an alert that does not exist', () => {
  const known = new Set(alertRules.map(({ name }) => name));
  assert.deepEqual(
    [...sections.keys()].filter((name) => !known.has(name)),
    [],
  );
});

it('has a section for what is told of events', () => {
  const amount = usdMicros(1);
  const samples: Readonly<Record<(typeof eventKinds)[number], RoomEvent>> = {
    'budget-alert': { kind: 'budget-alert', period: 'day', share: 0.8, spent: amount, cap: amount },
    'budget-stop': { kind: 'budget-stop', reason: 'r' },
    'provider-refused': { kind: 'provider-refused', reason: 'r' },
    'machine-lost': { kind: 'machine-lost', label: 'l', reason: 'r' },
    'orphan-found': { kind: 'orphan-found', label: 'l' },
    'meter-drift': { kind: 'meter-drift', charged: amount, metered: amount },
  };
  for (const sample of Object.values(samples)) assert.ok(sections.has(wordsOf(sample)!.runbook), sample.kind);
});

it('gives every alert a summary and an action of one sentence or two', () => {
  for (const { name, summary, action } of alertRules) {
    for (const text of [summary, action]) {
      assert.match(text, /^[A-Z].*\.$/, name);
      assert.ok(text.length <= 160, `${name}: ${text.length} characters`);
    }
  }
});
