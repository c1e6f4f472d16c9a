import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aRecord, aStatus, startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';
import { until } from '../../test/support/until.ts';
import { liveLimits } from './live.ts';

interface Event {
  readonly id: string;
  readonly event: string;
  readonly data: { readonly at: number; readonly value: unknown };
}

interface Listening {
  readonly events: Event[];
  readonly status: number;
  stop(): void;
}

async function listen(admin: RunningAdmin, query: string, lastEventId?: string): Promise<Listening> {
  const gone = new AbortController();
  const reply = await fetch(`${admin.url}/api/live?${query}`, {
    signal: gone.signal,
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  });
  const events: Event[] = [];
  const read = async (): Promise<void> => {
    let rest = '';
    for await (const chunk of reply.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) {
        const [, id, event, data] = /^id: (.*)\nevent: (.*)\ndata: (.*)$/.exec(block) ?? [];
        if (data !== undefined) events.push({ id: id!, event: event!, data: JSON.parse(data) as Event['data'] });
      }
    }
  };
  read().catch(() => {});
  return { events, status: reply.status, stop: () => gone.abort() };
}

const idsOf = ({ events }: Listening): string[] =>
  events
    .filter(({ event }) => event === 'requests')
    .flatMap(({ data }) => (data.value as { requests: { id: string }[] }).requests.map(({ id }) => id));

describe('live news', () => {
  it('tells what is there, then what is new, and that nothing changed', async () => {
    const admin = await startAdmin();
    try {
      admin.requests.add(aRecord({ id: 'one' }));
      const page = await listen(admin, 'topics=status,requests');
      await until('both are told', () => page.events.length >= 2);
      assert.deepEqual(idsOf(page), ['one']);
      await admin.clock.advance(2_000);
      await until('it is confirmed', () => page.events.some(({ event }) => event === 'same'));
      admin.status = aStatus({ uptimeS: 99 });
      admin.requests.add(aRecord({ id: 'two' }));
      await admin.clock.advance(2_000);
      await until('the news are there', () => idsOf(page).length === 2 && page.events.length >= 5);
      const { data } = page.events.findLast(({ event }) => event === 'status')!;
      assert.equal((data.value as { uptimeS: number }).uptimeS, 99);
      assert.equal(data.at, admin.clock.now());
      page.stop();
    } finally {
      await admin.close();
    }
  });

  it('goes on after the last event that was heard, without a gap and without a repetition', async () => {
    const admin = await startAdmin();
    try {
      for (const id of ['one', 'two']) admin.requests.add(aRecord({ id }));
      const first = await listen(admin, 'topics=requests');
      await until('they are told', () => idsOf(first).length === 2);
      first.stop();
      for (const id of ['three', 'four']) admin.requests.add(aRecord({ id }));
      const { id } = first.events.at(-1)!;
      for (const back of [
        await listen(admin, 'topics=requests', id),
        await listen(admin, `topics=requests&since=${id}`),
      ]) {
        await until('what was missed is told', () => idsOf(back).length > 0);
        assert.deepEqual(
          [idsOf(back), (back.events[0]!.data.value as { kind: string }).kind],
          [['four', 'three'], 'more'],
        );
        back.stop();
      }
    } finally {
      await admin.close();
    }
  });

  it('starts anew for one who was away too long, or heard another process', async () => {
    const admin = await startAdmin();
    try {
      admin.requests.add(aRecord({ id: 'old' }));
      const first = await listen(admin, 'topics=requests');
      await until('it is told', () => idsOf(first).length === 1);
      first.stop();
      for (let i = 0; i <= admin.requests.capacity; i++) admin.requests.add(aRecord({ id: `new ${i}` }));
      for (const id of [first.events[0]!.id, 'abcdef.1', 'nonsense', '']) {
        const back = await listen(admin, 'topics=requests', id);
        await until('all is told', () => idsOf(back).length > 0);
        const { kind } = back.events[0]!.data.value as { kind: string };
        assert.deepEqual([kind, idsOf(back).length], ['all', liveLimits.requestsFirst], id);
        back.stop();
      }
    } finally {
      await admin.close();
    }
  });

  it('tells one topic at a time to those who cannot have the stream, and no more when nothing changed', async () => {
    const admin = await startAdmin();
    try {
      admin.requests.add(aRecord({ id: 'one' }));
      for (const topic of ['requests', 'cache%2Faudits', 'fleet']) {
        const first = await fetch(`${admin.url}/api/live/${topic}`);
        assert.equal(first.status, 200, topic);
        await first.text();
        const headers = { 'if-none-match': first.headers.get('etag')! };
        assert.equal((await fetch(`${admin.url}/api/live/${topic}`, { headers })).status, 304, topic);
      }
      assert.equal(await (await fetch(`${admin.url}/api/live/fleet`)).json(), null);
      assert.equal((await fetch(`${admin.url}/api/live/nonsense`)).status, 400);
    } finally {
      await admin.close();
    }
  });

  it('reads nothing while nobody listens', async () => {
    const admin = await startAdmin();
    try {
      const before = admin.clock.pendingTimers;
      const page = await listen(admin, 'topics=status,requests');
      await until('it is told', () => page.events.length >= 2);
      assert.equal(admin.clock.pendingTimers, before + 2);
      page.stop();
      await until('the timers are gone', () => admin.clock.pendingTimers === before);
    } finally {
      await admin.close();
    }
  });

  it('refuses topics that do not exist, and more pages than it can tell', async () => {
    const admin = await startAdmin();
    try {
      for (const query of ['', 'topics=', 'topics=status,nonsense'])
        assert.equal((await fetch(`${admin.url}/api/live?${query}`)).status, 400, query);
      const pages: Listening[] = [];
      for (let i = 0; i < liveLimits.listenersMax; i++) pages.push(await listen(admin, 'topics=requests'));
      assert.equal((await fetch(`${admin.url}/api/live?topics=requests`)).status, 429);
      for (const page of pages) page.stop();
      await until('there is room again', async () => {
        const page = await listen(admin, 'topics=requests');
        page.stop();
        return page.status === 200;
      });
    } finally {
      await admin.close();
    }
  });
});
