import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../core/random.ts';
import { epochMs } from '../../core/units.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { silentLogger } from '../logger.ts';
import { createMetrics } from '../metrics.ts';
import { ChannelError, type AlertMessage, type Channel, type MessageLevel } from './channel.ts';
import { createDelivery } from './delivery.ts';

const aMessage = (key: string, over: Partial<AlertMessage> = {}): AlertMessage => ({
  key,
  id: `${key}-id`,
  status: 'firing',
  level: 'page',
  title: key,
  summary: '',
  action: '',
  runbook: '',
  detail: '',
  since: epochMs(0),
  at: epochMs(0),
  source: 'g',
  ...over,
});
const busy = new ChannelError('busy', { retryable: true });
const refused = new ChannelError('refused', { retryable: false });

/** Does what it is told with each message in turn, then takes all. */
class ScriptedChannel implements Channel {
  readonly kind = 'webhook';
  readonly attempts: string[] = [];
  readonly script: (Error | 'hang')[] = [];
  closed = false;

  async send(message: AlertMessage, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    this.attempts.push(`${message.key} ${message.status}`);
    const next = this.script.shift();
    if (next === 'hang') {
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(busy), { once: true }));
    } else if (next !== undefined) throw next;
  }

  close(): void {
    this.closed = true;
  }
}

function aDelivery(names: Readonly<Record<string, MessageLevel>> = { one: 'warn' }) {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const channels = Object.entries(names).map(([name, levelMin]) => ({
    name,
    levelMin,
    channel: new ScriptedChannel(),
  }));
  const outcomes: string[] = [];
  const delivery = createDelivery({
    channels,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    metrics,
    options: { triesMax: 3, retryMs: 1000, retryMaxMs: 60_000, attemptTimeoutMs: 5000, waitingMax: 3 },
    onOutcome: (message, channel, outcome, error) =>
      outcomes.push(`${message.key} ${channel} ${outcome}${error === undefined ? '' : `: ${error}`}`),
  });
  const counted = async () =>
    (await metrics.alertDeliveries.get()).values
      .filter(({ labels, value }) => labels['channel'] === 'webhook' && value > 0)
      .map(({ labels, value }) => `${labels['outcome']} ${value}`)
      .sort();
  return { clock, delivery, outcomes, counted, channels: channels.map(({ channel }) => channel) };
}

describe('delivery of alerts', () => {
  it('tries again, longer and longer, until it is taken', async () => {
    const { clock, delivery, outcomes, counted, channels } = aDelivery();
    const [channel] = channels;
    channel!.script.push(busy, busy);
    delivery.send(aMessage('a'));
    await clock.advance(0);
    assert.equal(channel!.attempts.length, 1);
    await clock.advance(1000);
    assert.equal(channel!.attempts.length, 2);
    await clock.advance(2000);
    assert.deepEqual(outcomes, ['a one sent']);
    assert.deepEqual(await counted(), ['sent 1']);
    assert.equal(clock.pendingTimers, 0);
  });

  it('gives up after its tries, and at once on what no other try can help', async () => {
    const { clock, delivery, outcomes, counted, channels } = aDelivery();
    channels[0]!.script.push(busy, busy, busy, refused);
    delivery.send(aMessage('a'));
    delivery.send(aMessage('b'));
    await clock.advance(60_000);
    assert.deepEqual(outcomes, ['a one failed: busy', 'b one failed: refused']);
    assert.deepEqual(await counted(), ['failed 2']);
    assert.equal(delivery.status()[0]!.last?.outcome, 'failed');
  });

  it('waits as long as the other side asks', async () => {
    const { clock, delivery, channels } = aDelivery();
    channels[0]!.script.push(new ChannelError('slow down', { retryable: true, retryAfterMs: 30_000 }));
    delivery.send(aMessage('a'));
    await clock.advance(29_000);
    assert.equal(channels[0]!.attempts.length, 1);
    await clock.advance(1000);
    assert.equal(channels[0]!.attempts.length, 2);
  });

  it('cuts off a channel that hangs, and keeps no other waiting for it', async () => {
    const { clock, delivery, outcomes, channels } = aDelivery({ dead: 'warn', alive: 'warn' });
    channels[0]!.script.push('hang', 'hang', 'hang');
    delivery.send(aMessage('a'));
    await clock.advance(0);
    assert.deepEqual(outcomes, ['a alive sent']);
    await clock.advance(60_000);
    assert.deepEqual(outcomes, ['a alive sent', 'a dead failed: busy']);
  });

  it('sends the newest word on one trouble, not every word', async () => {
    const { clock, delivery, outcomes, channels } = aDelivery();
    channels[0]!.script.push('hang');
    delivery.send(aMessage('x'));
    delivery.send(aMessage('a'));
    delivery.send(aMessage('a', { status: 'resolved' }));
    await clock.advance(60_000);
    assert.deepEqual(channels[0]!.attempts.slice(-1), ['a resolved']);
    assert.deepEqual(outcomes, ['x one sent', 'a one sent']);
  });

  it('drops the least urgent when too many wait, and counts it', async () => {
    const { clock, delivery, outcomes, counted, channels } = aDelivery();
    channels[0]!.script.push('hang', 'hang', 'hang');
    delivery.send(aMessage('running'));
    await clock.advance(0);
    for (const key of ['p1', 'p2']) delivery.send(aMessage(key));
    delivery.send(aMessage('w1', { level: 'warn' }));
    delivery.send(aMessage('p3'));
    assert.deepEqual(outcomes, ['w1 one dropped: more than 3 messages wait for this channel']);
    assert.equal(delivery.status()[0]!.waiting, 3);
    await clock.advance(120_000);
    assert.deepEqual(await counted(), ['dropped 1', 'failed 1', 'sent 3']);
  });

  it('gives a channel only what is urgent enough for it', async () => {
    const { clock, delivery, outcomes } = aDelivery({ all: 'warn', pages: 'page' });
    delivery.send(aMessage('t', { level: 'ticket' }));
    await clock.advance(0);
    assert.deepEqual(outcomes, ['t all sent']);
  });

  it('tests a channel past its line and its level, once', async () => {
    const { delivery, channels } = aDelivery({ all: 'warn', pages: 'page' });
    channels[0]!.script.push(busy);
    const results = await delivery.test(aMessage('test', { level: 'ticket', status: 'test' }));
    assert.deepEqual(results, [
      { name: 'all', error: 'busy' },
      { name: 'pages', error: undefined },
    ]);
    assert.equal((await delivery.test(aMessage('test'), 'pages')).length, 1);
  });

  it('ends quietly with messages on the way', async () => {
    const { clock, delivery, outcomes, channels } = aDelivery();
    channels[0]!.script.push(busy);
    delivery.send(aMessage('a'));
    await clock.advance(0);
    delivery.close();
    delivery.send(aMessage('b'));
    await clock.advance(60_000);
    assert.deepEqual(outcomes, []);
    assert.equal(channels[0]!.closed, true);
  });
});
