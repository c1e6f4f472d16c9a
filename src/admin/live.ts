/**
 * News for open pages, as server-sent events. A topic is read while somebody listens to it, once for all of them,
 * and sent when it differs from what was sent last. The id of every event says how many requests the listener has
 * seen, so one who comes back is told what finished meanwhile, from the request log: nothing is kept for it here.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '../core/clock.ts';
import { AppError, toAppError } from '../core/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { RequestRecord } from '../telemetry/request-log.ts';
import type { AdminFacts, LiveMessage, LiveRequests } from './admin-types.ts';
import { sendJson, type Exchange } from './http.ts';

/** Reads what a topic tells now. */
export interface Topic {
  readonly everyMs: number;
  read(): unknown;
}

export const liveLimits = {
  /** Open pages. */
  listenersMax: 64,
  /** Requests told to a page that has seen none, or too long ago. */
  requestsFirst: 200,
  /** A listener this far behind is cut off; it comes back and resumes. */
  backlogBytesMax: 4 * 1024 * 1024,
  /** Proxies end connections that say nothing for a minute. */
  heartbeatMs: 15_000,
  requestsEveryMs: 500,
} as const;

export interface LiveDeps {
  readonly facts: Pick<AdminFacts, 'requests' | 'requestsSeen' | 'requestsMax'>;
  readonly topics: Readonly<Record<string, Topic>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Live {
  /** Answers with a stream that goes on until the reader leaves. @throws bad_request | rate_limited */
  open(exchange: Exchange): void;
  /** What one topic tells now, for those who cannot have the stream. @throws bad_request */
  show(exchange: Exchange, topic: string): Promise<void>;
  close(): void;
}

interface Listener {
  readonly exchange: Exchange;
  readonly topics: ReadonlySet<string>;
  /** Requests it has been told of, of all since start. */
  seen: number;
}

interface Reading {
  readonly timer: Timer;
  /** Undefined before the first. */
  last: string | undefined;
  lastAt: number;
  reading: boolean;
}

export function createLive({ facts, topics, clock, logger }: LiveDeps): Live {
  /** Numbers of an earlier process mean nothing here. */
  const boot = randomBytes(6).toString('hex');
  const listeners = new Set<Listener>();
  const readings = new Map<string, Reading>();

  function send(listener: Listener, event: string, value: unknown): void {
    const message: LiveMessage = { at: clock.now(), value };
    sendText(listener, event, JSON.stringify(message));
  }

  function sendText({ exchange: { response }, seen }: Listener, event: string, data: string): void {
    if (response.destroyed) return;
    if (response.writableLength > liveLimits.backlogBytesMax) return void response.destroy();
    response.write(`id: ${boot}.${seen}\nevent: ${event}\ndata: ${data}\n\n`);
  }

  /** @param resumed whether the listener knows what came before */
  function tellRequests(listener: Listener, resumed: boolean): void {
    const total = facts.requestsSeen();
    const missed = total - listener.seen;
    if (resumed && missed === 0) return;
    const whole = resumed && missed <= facts.requestsMax;
    const records = facts.requests(whole ? missed : liveLimits.requestsFirst);
    listener.seen = total;
    const value: LiveRequests = { kind: whole ? 'more' : 'all', requests: records satisfies readonly RequestRecord[] };
    send(listener, 'requests', value);
  }

  async function read(name: string, topic: Topic, reading: Reading): Promise<void> {
    // A slow read is not overtaken by the next one.
    if (reading.reading) return;
    reading.reading = true;
    try {
      const text = JSON.stringify(await topic.read()) ?? 'null';
      reading.lastAt = clock.now();
      // What did not change is still known to hold now.
      const event = text === reading.last ? 'same' : name;
      reading.last = text;
      for (const listener of listeners) {
        if (!listener.topics.has(name)) continue;
        if (event === 'same') send(listener, 'same', name);
        else sendText(listener, name, `{"at":${reading.lastAt},"value":${text}}`);
      }
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'internal') logger.error({ err: error.cause, topic: name }, 'news cannot be read');
      for (const listener of listeners) {
        if (listener.topics.has(name)) send(listener, 'trouble', { topic: name, message: error.message });
      }
    } finally {
      reading.reading = false;
    }
  }

  function start(name: string): void {
    if (readings.has(name)) return;
    if (name === 'requests') {
      const tick = () => {
        for (const listener of listeners) if (listener.topics.has(name)) tellRequests(listener, true);
      };
      readings.set(name, {
        timer: clock.every(liveLimits.requestsEveryMs, tick),
        last: undefined,
        lastAt: 0,
        reading: false,
      });
      return;
    }
    const topic = topics[name]!;
    const reading: Reading = {
      timer: clock.every(topic.everyMs, () => void read(name, topic, reading)),
      last: undefined,
      lastAt: 0,
      reading: false,
    };
    readings.set(name, reading);
    void read(name, topic, reading);
  }

  /** Nobody listens: nothing is read. */
  function stopUnheard(): void {
    for (const [name, { timer }] of readings) {
      if ([...listeners].some((listener) => listener.topics.has(name))) continue;
      timer.clear();
      readings.delete(name);
    }
  }

  const heartbeat = clock.every(liveLimits.heartbeatMs, () => {
    for (const { exchange } of listeners) if (!exchange.response.destroyed) exchange.response.write(': still here\n\n');
  });

  return {
    open(exchange) {
      const { request, response, query } = exchange;
      const wanted = topicsOf(query, topics);
      if (listeners.size >= liveLimits.listenersMax)
        throw new AppError('rate_limited', `${liveLimits.listenersMax} pages listen already; close some`, {
          retryAfterMs: 10_000,
        });
      const resumed = seenOf(query.get('since') ?? request.headers['last-event-id'], boot);
      const listener: Listener = { exchange, topics: new Set(wanted), seen: resumed ?? 0 };
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store, no-transform',
        'x-content-type-options': 'nosniff',
        'x-accel-buffering': 'no',
      });
      response.write('retry: 2000\n\n');
      // Before it is a listener: what it misses goes first.
      if (listener.topics.has('requests')) {
        if (resumed === undefined || resumed > facts.requestsSeen()) tellRequests(listener, false);
        else tellRequests(listener, true);
      } else {
        listener.seen = facts.requestsSeen();
      }
      for (const name of wanted) {
        const known = readings.get(name);
        if (known?.last !== undefined) sendText(listener, name, `{"at":${known.lastAt},"value":${known.last}}`);
      }
      listeners.add(listener);
      for (const name of wanted) start(name);
      response.once('close', () => {
        listeners.delete(listener);
        stopUnheard();
      });
    },
    async show(exchange, topic) {
      if (topic === 'requests') {
        const value: LiveRequests = { kind: 'all', requests: facts.requests(liveLimits.requestsFirst) };
        return sendJson(exchange, value);
      }
      const [name] = topicsOf(new URLSearchParams({ topics: topic }), topics);
      sendJson(exchange, await topics[name!]!.read());
    },
    close() {
      heartbeat.clear();
      for (const { timer } of readings.values()) timer.clear();
      readings.clear();
      for (const { exchange } of listeners) exchange.response.destroy();
      listeners.clear();
    },
  };
}

function topicsOf(query: URLSearchParams, topics: Readonly<Record<string, Topic>>): string[] {
  const known = ['requests', ...Object.keys(topics)];
  const wanted = [...new Set((query.get('topics') ?? '').split(',').filter(Boolean))];
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined || wanted.length === 0) {
    throw new AppError(
      'bad_request',
      `topics is \`${(query.get('topics') ?? '').slice(0, 100)}\`; expected some of ${known.join(', ')}, with commas between`,
    );
  }
  return wanted;
}

/** @returns undefined where the listener knows nothing that can be gone on from */
function seenOf(id: string | string[] | undefined, boot: string): number | undefined {
  const match = /^([0-9a-f]+)\.(\d{1,15})$/.exec(typeof id === 'string' ? id : '');
  return match !== null && match[1] === boot ? Number(match[2]) : undefined;
}
