/** The alerts of a running gateway: looks, decides, sends, remembers; and what operators may ask of it. */
import type { Registry } from 'prom-client';
import type { Clock, Timer } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { addMs, type EpochMs } from '../../core/units.ts';
import type { Events, RoomEvent } from '../events.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { alertRules } from './catalogue.ts';
import type { AlertMessage } from './channel.ts';
import { createDelivery, type ChannelEntry, type ChannelStatus, type DeliveryOptions } from './delivery.ts';
import type { DeskFile, HistoryEntry } from './desk-state.ts';
import { wordsOf, type EventWords } from './event-messages.ts';
import { historyDefaults } from './history.ts';
import { isSilenced, Notifier, type Notice, type NotifierOptions, type Silence } from './notifier.ts';
import { readSamples } from './read-samples.ts';
import { runbookAnchor } from './rule.ts';
import { recordings } from './rules/recordings.ts';
import { Watch, type AlertState } from './watch.ts';

export interface DeskOptions extends NotifierOptions {
  /** Between two looks at the metrics. */
  readonly intervalMs: number;
  /** Which gateway tells it, for people. */
  readonly source: string;
}

export interface DeskDeps {
  readonly channels: readonly ChannelEntry[];
  readonly metrics: Pick<Metrics, 'alertDeliveries'> & { readonly registry: Pick<Registry, 'getSingleMetric'> };
  readonly events: Events;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly options: DeskOptions;
  readonly delivery?: Partial<DeliveryOptions>;
  /** undefined keeps nothing over a restart. */
  readonly file?: DeskFile | undefined;
}

export interface AlertDesk {
  states(): readonly AlertState[];
  channels(): readonly ChannelStatus[];
  /** Newest first. */
  history(limit: number): readonly HistoryEntry[];
  silences(): readonly Silence[];
  isSilenced(rule: string): boolean;
  /** @throws AppError bad_request */
  silence(wanted: { readonly rule: string; readonly forMs: number; readonly comment: string }): Silence;
  /** @returns whether there was one */
  unsilence(id: string): boolean;
  /** @throws AppError bad_request when there is no such channel */
  test(channel?: string): Promise<readonly { readonly name: string; readonly error: string | undefined }[]>;
  /** One look now; the timer does it by itself. */
  look(): Promise<void>;
  close(): void;
}

/** Messages remembered, and silences at a time. */
export const historyMax = 500;
const silencesMax = 100;
/** Events that wait for the end of quiet hours; more of them say nothing new. */
const heldMax = 50;
export const silenceMsMax = 90 * 86_400_000;

export function createAlertDesk(deps: DeskDeps): AlertDesk {
  const { clock, random, logger, metrics, options } = deps;
  const watch = new Watch({
    rules: alertRules,
    recordings,
    options: { ...historyDefaults, fineStepMs: options.intervalMs },
  });
  const notifier = new Notifier(options);
  let silences: readonly Silence[] = [];
  /** Oldest first. */
  let history: readonly HistoryEntry[] = [];
  const eventsTold = new Map<string, EpochMs>();
  let held: readonly EventWords[] = [];

  const kept = deps.file?.read();
  if (kept !== undefined) {
    notifier.restore(kept.told, clock.now());
    silences = kept.silences;
    history = kept.history;
  }
  const keep = () => deps.file?.write({ version: 1, told: notifier.told, silences, history });

  const delivery = createDelivery({
    channels: deps.channels,
    clock,
    random,
    logger,
    metrics,
    ...(deps.delivery && { options: deps.delivery }),
    onOutcome(message, channel, outcome, error) {
      history = history.map((entry) =>
        entry.id === message.id ? { ...entry, deliveries: [...entry.deliveries, { channel, outcome, error }] } : entry,
      );
      keep();
    },
  });

  function send(message: AlertMessage): void {
    const { id, at, key, status, level, title, summary } = message;
    history = [...history.slice(-(historyMax - 1)), { id, at, key, status, level, title, summary, deliveries: [] }];
    logger.info({ alert: key, status, level }, 'an alert is told');
    delivery.send(message);
    keep();
  }

  const aMessage = (over: Omit<AlertMessage, 'id' | 'at' | 'source'>): AlertMessage => ({
    ...over,
    id: random.id(20),
    at: clock.now(),
    source: options.source,
  });

  function messageOf({ state, status, level }: Notice): AlertMessage {
    const { rule, since, values } = state;
    return aMessage({
      key: rule.name,
      status,
      level,
      title: rule.name,
      summary: rule.summary,
      action: rule.action,
      runbook: `docs/runbook.md#${runbookAnchor(rule)}`,
      detail: status === 'firing' ? detailOf(values) : '',
      since,
    });
  }

  function tellEvent(words: EventWords): void {
    const { key, level, title, summary, action, runbook } = words;
    send(
      aMessage({
        key,
        status: 'firing',
        level,
        title,
        summary,
        action,
        runbook: `docs/runbook.md#${runbookAnchor({ name: runbook })}`,
        detail: '',
        since: clock.now(),
      }),
    );
  }

  function onEvent(event: RoomEvent): void {
    const words = wordsOf(event);
    if (words === undefined) return;
    const now = clock.now();
    for (const [key, at] of eventsTold) if (now - at >= options.renotifyMs) eventsTold.delete(key);
    if (eventsTold.has(words.key) || isSilenced(event.kind, silences, now)) return;
    if (eventsTold.size >= historyMax) {
      logger.warn({ alert: words.key }, 'too many events to tell them all');
      return;
    }
    eventsTold.set(words.key, now);
    if (notifier.waits(words.level, now)) held = [...held, words].slice(-heldMax);
    else tellEvent(words);
  }

  async function look(): Promise<void> {
    const samples = await readSamples(metrics.registry, watch.metricNames);
    const at = clock.now();
    const notices = notifier.decide(watch.tick(at, samples), silences, at);
    for (const notice of notices) send(messageOf(notice));
    const due = held.filter(({ level }) => !notifier.waits(level, at));
    held = held.filter((words) => !due.includes(words));
    for (const words of due) tellEvent(words);
  }

  let looking = false;
  const timer: Timer = clock.every(options.intervalMs, () => {
    // A look takes milliseconds; one that hangs must not pile up others.
    if (looking) return;
    looking = true;
    look()
      .catch((error: unknown) => logger.error({ err: error }, 'alerts could not be worked out'))
      .finally(() => (looking = false));
  });
  const leave = deps.events.on(onEvent);

  return {
    states: () => watch.states,
    channels: () => delivery.status(),
    history: (limit) => history.slice(-limit).reverse(),
    silences: () => silences.filter(({ until }) => until > clock.now()),
    isSilenced: (rule) => isSilenced(rule, silences, clock.now()),
    silence({ rule, forMs, comment }) {
      const now = clock.now();
      silences = silences.filter(({ until }) => until > now);
      if (silences.length >= silencesMax) {
        throw new AppError('bad_request', `there are ${silencesMax} silences, the most there can be; end one first`);
      }
      const silence = { id: random.id(8), rule, until: addMs(now, forMs), comment };
      silences = [...silences, silence];
      keep();
      return silence;
    },
    unsilence(id) {
      const before = silences.length;
      silences = silences.filter((silence) => silence.id !== id);
      if (silences.length !== before) keep();
      return silences.length !== before;
    },
    async test(channel) {
      if (channel !== undefined && !deps.channels.some(({ name }) => name === channel)) {
        const names = deps.channels.map(({ name }) => name).join(', ') || 'none';
        throw new AppError('bad_request', `there is no channel \`${channel}\`; configured: ${names}`);
      }
      const message = aMessage({
        key: 'test',
        status: 'test',
        level: 'ticket',
        title: 'This is a test',
        summary: 'Alerts of llm-self-host arrive here.',
        action: '',
        runbook: '',
        detail: '',
        since: clock.now(),
      });
      const results = await delivery.test(message, channel);
      const deliveries = results.map(({ name, error }) => ({
        channel: name,
        outcome: error === undefined ? ('sent' as const) : ('failed' as const),
        error,
      }));
      const { id, at, key, status, level, title, summary } = message;
      history = [...history.slice(-(historyMax - 1)), { id, at, key, status, level, title, summary, deliveries }];
      keep();
      return results;
    },
    look,
    close() {
      timer.clear();
      leave();
      delivery.close();
    },
  };
}

/** `period=day: 0.97`; a value without labels stands alone. */
function detailOf(values: ReadonlyMap<string, number>): string {
  return [...values]
    .slice(0, 8)
    .map(([labels, value]) => `${labels === '' ? 'Value' : labels}: ${Number(value.toPrecision(4))}`)
    .join('; ');
}
