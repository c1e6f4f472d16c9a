import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { seededRandom } from '../../core/random.ts';
import { usdMicros } from '../../core/units.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { createEvents } from '../events.ts';
import { silentLogger } from '../logger.ts';
import { createMetrics } from '../metrics.ts';
import type { AlertMessage } from './channel.ts';
import { createAlertDesk, type DeskOptions } from './desk.ts';
import { createDeskFile } from './desk-state.ts';

const folder = mkdtempSync(join(tmpdir(), 'selfhost-alerts-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

function aDesk({
  options = {},
  path = join(folder, `${files++}.json`),
  clock = new FakeClock(),
}: { options?: Partial<DeskOptions>; path?: string; clock?: FakeClock } = {}) {
  const metrics = createMetrics();
  const events = createEvents((error) => {
    throw error;
  });
  const sent: AlertMessage[] = [];
  const desk = createAlertDesk({
    channels: [
      {
        name: 'phone',
        levelMin: 'warn',
        channel: { kind: 'ntfy', send: (message) => Promise.resolve(void sent.push(message)), close: () => {} },
      },
    ],
    metrics,
    events,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    options: {
      intervalMs: 30_000,
      renotifyMs: 3_600_000,
      settleMs: 60_000,
      quietHours: undefined,
      source: 'gateway-1',
      ...options,
    },
    file: createDeskFile(path, silentLogger),
  });
  const told = () => sent.map(({ key, status, level }) => `${key} ${status} ${level}`);
  return { desk, metrics, events, clock, sent, told, path };
}

describe('the desk of alerts', () => {
  it('sees trouble in the metrics, tells it once, and tells its end', async () => {
    const { desk, metrics, clock, sent, told } = aDesk();
    metrics.redisUp.set(1);
    await clock.advance(120_000);
    metrics.redisUp.set(0);
    await clock.advance(300_000);
    assert.deepEqual(told(), ['CacheDown firing page']);
    assert.equal(desk.states().find(({ rule }) => rule.name === 'CacheDown')!.level, 'alert');
    assert.equal(sent[0]!.source, 'gateway-1');
    assert.equal(sent[0]!.runbook, 'docs/runbook.md#cachedown');
    assert.equal(sent[0]!.detail, 'Value: 0');
    metrics.redisUp.set(1);
    await clock.advance(300_000);
    assert.deepEqual(told(), ['CacheDown firing page', 'CacheDown resolved page']);
    assert.deepEqual(
      desk.history(10).map(({ status, deliveries }) => [status, deliveries.map(({ outcome }) => outcome)]),
      [
        ['resolved', ['sent']],
        ['firing', ['sent']],
      ],
    );
    desk.close();
    assert.equal(clock.pendingTimers, 0);
  });

  it('tells what rooms report, each once in a while, and keeps trifles to the log', async () => {
    const { desk, events, clock, told } = aDesk();
    const budget = { kind: 'budget-alert', period: 'day', spent: usdMicros(8e6), cap: usdMicros(1e7) } as const;
    for (let times = 0; times < 3; times++) {
      events.emit({ kind: 'orphan-found', label: 'gw-1' });
      events.emit({ ...budget, share: 0.8 });
    }
    events.emit({ kind: 'machine-unfit', label: 'gw-2', reason: 'slow' });
    events.emit({ ...budget, share: 1 });
    await clock.advance(0);
    assert.deepEqual(told(), [
      'orphan-found gw-1 firing page',
      'budget-alert day 80 firing warn',
      'budget-alert day 100 firing page',
    ]);
    await clock.advance(3_600_000);
    events.emit({ kind: 'orphan-found', label: 'gw-1' });
    await clock.advance(0);
    assert.equal(told().length, 4);
    desk.close();
  });

  it('keeps what can wait through the night', async () => {
    const quietHours = { from: '00:00', to: '06:00', timeZone: 'UTC', pages: 'through' as const };
    const { desk, events, clock, told } = aDesk({ options: { quietHours } });
    events.emit({ kind: 'provider-refused', reason: 'no credit' });
    events.emit({ kind: 'budget-stop', reason: 'day' });
    await clock.advance(5 * 3_600_000);
    assert.deepEqual(told(), ['budget-stop firing page']);
    await clock.advance(3_600_000 + 60_000);
    assert.deepEqual(told(), ['budget-stop firing page', 'provider-refused firing ticket']);
    desk.close();
  });

  it('remembers over a restart what it told, what is silenced, and what was sent', async () => {
    const first = aDesk();
    first.metrics.redisUp.set(0);
    first.desk.silence({ rule: 'HitRateDrop', forMs: 3_600_000, comment: 'I know' });
    await first.clock.advance(120_000);
    assert.deepEqual(first.told(), ['CacheDown firing page']);
    first.desk.close();
    assert.equal(statSync(first.path).mode & 0o777, 0o600);

    const second = aDesk({ path: first.path, clock: first.clock });
    second.metrics.redisUp.set(0);
    await second.clock.advance(300_000);
    assert.deepEqual(second.told(), [], 'people know already');
    assert.equal(second.desk.isSilenced('HitRateDrop'), true);
    assert.equal(second.desk.history(10).length, 1);
    second.metrics.redisUp.set(1);
    await second.clock.advance(300_000);
    assert.deepEqual(second.told(), ['CacheDown resolved page']);
    second.desk.close();
  });

  it('does not say after a restart that something is over before it knows', async () => {
    const first = aDesk();
    first.metrics.redisUp.set(0);
    await first.clock.advance(120_000);
    first.desk.close();
    const second = aDesk({ path: first.path, clock: first.clock });
    await second.clock.advance(600_000);
    assert.deepEqual(second.told(), []);
    await second.clock.advance(120_000);
    assert.deepEqual(second.told(), ['CacheDown resolved page']);
    second.desk.close();
  });

  it('begins anew with a file that it cannot read', () => {
    const path = join(folder, 'broken.json');
    for (const text of ['', '{', '{"version":2}', 'null', '[]']) {
      writeFileSync(path, text);
      const { desk } = aDesk({ path });
      assert.deepEqual(desk.history(10), [], text);
      desk.close();
    }
  });

  it('ends a silence, and forgets one whose time is over', async () => {
    const { desk, clock } = aDesk();
    const { id } = desk.silence({ rule: '*', forMs: 60_000, comment: '' });
    assert.equal(desk.isSilenced('CacheDown'), true);
    assert.equal(desk.unsilence(id), true);
    assert.equal(desk.unsilence(id), false);
    assert.equal(desk.isSilenced('CacheDown'), false);
    desk.silence({ rule: '*', forMs: 60_000, comment: '' });
    await clock.advance(60_001);
    assert.deepEqual(desk.silences(), []);
    desk.close();
  });
});
