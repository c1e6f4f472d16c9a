/**
 * What the page knows, kept fresh: one stream of server-sent events for everything that is on the screen. When
 * the stream cannot be had, the same facts are asked for every few seconds. A hidden tab hears nothing and asks
 * nothing; when it is looked at again it goes on where it was.
 */
import { batch, effect, signal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { LiveMessage, LiveRequests } from '../../admin/admin-types.ts';
import type { RequestRecord } from '../../telemetry/request-log.ts';
import { ApiError, poll, session } from './api.ts';

export interface Held<T> {
  readonly value: T;
  /** When it held, by the port's clock. */
  readonly at: number;
  /** When we heard of it, by ours; never goes back. */
  readonly heardAtMs: number;
  /** Why there is nothing newer. */
  readonly trouble?: string;
  /** Of what comes more rarely than the news of the stream. */
  readonly staleAfterMs?: number;
}

export type Connection = 'connecting' | 'live' | 'polling' | 'paused' | 'offline';

export const connection = signal<Connection>('connecting');
/** Newest first. */
export const requests = signal<Held<readonly RequestRecord[]> | undefined>(undefined);
/** Moves once a second while somebody looks. */
export const tick = signal(performance.now());

/** More than twice the rarest news, which come every 10 s. */
export const staleAfterMs = 25_000;
export const isStale = (held: Held<unknown> | undefined): boolean =>
  held !== undefined && tick.value - held.heardAtMs > (held.staleAfterMs ?? staleAfterMs);

const recordsMax = 1_000;
const pollEveryMs = 5_000;
const streamAgainMs = 30_000;

const topics = new Map<string, Signal<Held<unknown> | undefined>>();
const wanted = new Map<string, number>();
const etags = new Map<string, string>();

let stream: EventSource | undefined;
let lastId: string | undefined;
let failures = 0;
let timer: number | undefined;
let opened = '';

const topicSignal = (name: string): Signal<Held<unknown> | undefined> => {
  const known = topics.get(name);
  if (known !== undefined) return known;
  const made = signal<Held<unknown> | undefined>(undefined);
  topics.set(name, made);
  return made;
};

/** What a route tells, kept fresh while the component is there. */
export function useTopic<T>(name: string): Held<T> | undefined {
  useEffect(() => {
    wanted.set(name, (wanted.get(name) ?? 0) + 1);
    reconnectSoon();
    return () => {
      const left = wanted.get(name)! - 1;
      if (left > 0) wanted.set(name, left);
      else wanted.delete(name);
      reconnectSoon();
    };
  }, [name]);
  return topicSignal(name).value as Held<T> | undefined;
}

export function startLive(): void {
  document.addEventListener('visibilitychange', () => reconnectSoon());
  window.addEventListener('online', () => reconnectSoon(true));
  window.setInterval(() => {
    if (!document.hidden) tick.value = performance.now();
  }, 1_000);
  // Whoever must log in is told nothing.
  effect(() => {
    void session.value?.role;
    reconnectSoon(true);
  });
}

let pending = false;
/** Components come and go in one breath; one stream opens for what is left. */
function reconnectSoon(anew = false): void {
  if (anew) opened = '';
  if (pending) return;
  pending = true;
  queueMicrotask(() => {
    pending = false;
    reconnect();
  });
}

function reconnect(): void {
  const names = ['requests', ...wanted.keys()].toSorted().join(',');
  const shouldRun = !document.hidden && session.value?.role !== undefined;
  if (shouldRun && names === opened) return;
  stop();
  if (!shouldRun) {
    connection.value = document.hidden ? 'paused' : 'offline';
    return;
  }
  opened = names;
  openStream(names);
}

function stop(): void {
  stream?.close();
  stream = undefined;
  window.clearTimeout(timer);
  opened = '';
}

function openStream(names: string): void {
  if (connection.value !== 'live') connection.value = 'connecting';
  const query = new URLSearchParams({ topics: names, ...(lastId !== undefined && { since: lastId }) });
  const source = new EventSource(`/api/live?${query.toString()}`);
  stream = source;
  source.addEventListener('open', () => {
    failures = 0;
    connection.value = 'live';
  });
  source.addEventListener('error', () => {
    if (source !== stream) return;
    failures += 1;
    if (source.readyState !== EventSource.CLOSED && failures < 3) {
      connection.value = 'connecting';
      return;
    }
    source.close();
    stream = undefined;
    void pollUntilStream(names);
  });
  const onEvent = (name: string, take: (message: LiveMessage) => void): void =>
    source.addEventListener(name, (event: MessageEvent<string>) => {
      lastId = event.lastEventId || lastId;
      const message = JSON.parse(event.data) as LiveMessage;
      take(message);
      confirmRequests(message.at);
    });
  onEvent('requests', ({ at, value }) => takeRequests(value as LiveRequests, at));
  onEvent('same', ({ at, value }) => confirm(value as string, at));
  onEvent('trouble', ({ value }) => {
    const { topic, message } = value as { topic: string; message: string };
    const known = topicSignal(topic);
    if (known.value !== undefined) known.value = { ...known.value, trouble: message };
  });
  for (const name of names.split(',')) if (name !== 'requests') onEvent(name, ({ at, value }) => keep(name, value, at));
}

function keep(name: string, value: unknown, at: number): void {
  topicSignal(name).value = { value, at, heardAtMs: performance.now() };
}

/** It did not change, and that is news: the card is not stale. */
function confirm(name: string, at: number): void {
  const known = topicSignal(name);
  if (known.value !== undefined) known.value = { value: known.value.value, at, heardAtMs: performance.now() };
}

/** A stream that tells anything would have told of a request: that none came is news as well. */
function confirmRequests(at: number): void {
  const known = requests.value;
  const now = performance.now();
  // The list is drawn again for this, so not with every event.
  if (known !== undefined && now - known.heardAtMs > staleAfterMs / 3)
    requests.value = { ...known, at, heardAtMs: now };
}

function takeRequests({ kind, requests: told }: LiveRequests, at: number): void {
  const before = kind === 'all' ? [] : (requests.value?.value ?? []);
  requests.value = { value: [...told, ...before].slice(0, recordsMax), at, heardAtMs: performance.now() };
}

async function pollUntilStream(names: string): Promise<void> {
  const again = performance.now() + streamAgainMs;
  const round = async (): Promise<void> => {
    if (opened !== names) return;
    if (performance.now() > again) return openStream(names);
    try {
      await Promise.all(names.split(',').map(pollOne));
      if (opened !== names) return;
      connection.value = 'polling';
    } catch (error) {
      if (opened !== names) return;
      connection.value = 'offline';
      if (error instanceof ApiError && error.status === 401) return;
    }
    // Pages that lost their stream together must not come back together.
    timer = window.setTimeout(() => void round(), pollEveryMs * (0.75 + Math.random() / 2));
  };
  await round();
}

async function pollOne(name: string): Promise<void> {
  const { value, etag, at } = await poll<unknown>(`/api/live/${encodeURIComponent(name)}`, etags.get(name));
  if (etag !== undefined) etags.set(name, etag);
  batch(() => {
    if (name !== 'requests') return value === undefined ? confirm(name, at) : keep(name, value, at);
    if (value !== undefined) takeRequests(value as LiveRequests, at);
    else if (requests.value !== undefined) requests.value = { ...requests.value, at, heardAtMs: performance.now() };
  });
}
