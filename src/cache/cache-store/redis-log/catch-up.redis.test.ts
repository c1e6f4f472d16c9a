/** A gateway that comes late knows what those know who were there, by whichever way it reads. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { CacheEntry, CacheStore } from '../../cache-store.ts';
import { entryId, exactKey, scope, tenantId, type EntryId } from '../../../core/ids.ts';
import { systemRandom, type Random } from '../../../core/random.ts';
import { systemClock } from '../../../core/clock.ts';
import { addMs } from '../../../core/units.ts';
import { packedVector, packVector, type UnitVector } from '../../../core/vector.ts';
import { createRedisConnection } from '../../../redis/connect.ts';
import type { RedisConnection } from '../../../redis/redis-connection.ts';
import { silentLogger } from '../../../telemetry/logger.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { startRedis, type RedisServer } from '../../../testing/redis-kit.ts';
import { eventually } from '../../../testing/redis-shapes.ts';
import { testRandom } from '../../../testing/seeded-random.ts';
import { anEntry, aVector } from '../conformance.ts';
import { decodeHead, encodeHead, headOf } from './head-codec.ts';
import { redisKeys } from './keys.ts';
import { aRedisLogStore } from './store-for-tests.ts';

const hourMs = 3_600_000;
const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(from.length)]!;
const owners = ['acme a', 'acme b', 'umbrella c', 'umbrella d'].map((each) => {
  const [tenant, letter] = each.split(' ');
  return { tenant: tenantId(tenant!), scope: scope(`scope-${letter}`) };
});
const selectors = owners.flatMap(({ tenant, scope: of }) => [
  { kind: 'tenant', tenant } as const,
  { kind: 'scope', scope: of } as const,
]);

let server: RedisServer;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

interface Gateway {
  readonly store: CacheStore;
  /** What a search here would find: id to scope and bytes of the vector. */
  readonly index: Map<EntryId, string>;
  put(entry: CacheEntry): Promise<void>;
  setVector(entry: CacheEntry, vector: UnitVector): Promise<void>;
}

/** Gateways of one installation; all are closed when the work has ended. */
async function withGateways(
  run: (
    open: (redis?: (real: RedisConnection) => RedisConnection) => Promise<Gateway>,
    prefix: string,
  ) => Promise<void>,
  clock = new FakeClock(),
): Promise<void> {
  const prefix = `t${systemRandom.id(8)}`;
  const opened: { close(): Promise<void> }[] = [];
  const open = async (seenAs = (real: RedisConnection) => real): Promise<Gateway> => {
    const redis = createRedisConnection(
      { url: server.url, deadlineMinMs: 5_000, deadlineMaxMs: 10_000 },
      { clock: systemClock, random: systemRandom, logger: silentLogger },
    );
    await redis.ready(10_000);
    const options = { entriesMax: 10_000, bytesMax: 2 ** 30 };
    const store = aRedisLogStore({ redis: seenAs(redis), prefix, clock, options });
    opened.push(store, redis);
    const index = new Map<EntryId, string>();
    const place = (id: EntryId, of: string, bytes: Int8Array) =>
      void index.set(id, `${of} ${Buffer.from(bytes).toString('hex')}`);
    const placeOwn = ({ id, semantic }: CacheEntry, vector: UnitVector) => {
      const bytes = new Int8Array(vector.length);
      packVector(vector, bytes);
      place(id, semantic!.scope, packedVector(bytes));
    };
    store.onRemoved((id) => void index.delete(id));
    store.shared!.onAdded(({ id, scope: of, vector }) => place(id, of, vector));
    await store.ready();
    return {
      store,
      index,
      async put(entry) {
        const written = store.put(entry);
        placeOwn(entry, entry.semantic!.vector);
        await written;
      },
      async setVector(entry, vector) {
        await store.setVector(entry.id, 'lexical-1', vector);
        if (index.has(entry.id)) placeOwn(entry, vector);
      },
    };
  };
  try {
    await run(open, prefix);
  } finally {
    for (const each of opened) await each.close();
  }
}

const standingOf = ({ store, index }: Gateway) => [store.shared!.health().digest, new Map(index)];

/** Each has the same entries, and would find the same. */
async function agree(what: string, gateways: readonly Gateway[]): Promise<void> {
  await eventually(what, () =>
    gateways.every((each) => isDeepStrictEqual(standingOf(each), standingOf(gateways[0]!))),
  ).catch(() => gateways.forEach((each) => assert.deepEqual(standingOf(each), standingOf(gateways[0]!), what)));
  for (const { store, index } of gateways) assert.equal(index.size, store.stats().entries, what);
}

/** What Redis has and nothing forbids, read without any of the code that catches up. */
async function truthOf(prefix: string, clock: FakeClock): Promise<string[]> {
  const { client } = server;
  const generations = await client.hgetall(redisKeys(prefix).generations);
  const names = await client.keys(`${prefix}:{*}:e`);
  const ids: string[] = [];
  for (const name of names) {
    const head = decodeHead((await client.hgetBuffer(name, 'head'))!)!;
    const least = ['*', `t:${head.tenant}`, `s:${head.scope}`].map((selector) => Number(generations[selector] ?? 0));
    if (head.version >= Math.max(...least) && head.expiresAt > clock.now()) ids.push(head.id);
  }
  return ids.sort();
}

/** Puts, replaces, removes, embeds anew and invalidates, some at a time. The keys are this writer's own. */
class Writer {
  readonly #gateway: Gateway;
  readonly #name: string;
  readonly #random: Random;
  readonly #clock: FakeClock;
  readonly #mine = new Map<string, CacheEntry>();
  #count = 0;

  constructor(gateway: Gateway, name: string, { random, clock }: { random: Random; clock: FakeClock }) {
    this.#gateway = gateway;
    this.#name = name;
    this.#random = random;
    this.#clock = clock;
  }

  get written(): number {
    return this.#count;
  }

  async write(steps: number): Promise<void> {
    for (let step = 0; step < steps; step += 4) {
      await Promise.all(Array.from({ length: 4 }, () => this.#step()));
    }
  }

  #step(): Promise<unknown> {
    const { store } = this.#gateway;
    const dice = this.#random.int(200);
    if (dice === 0) return store.shared!.invalidate(pick(this.#random, selectors));
    const entry = dice < 120 ? undefined : pick(this.#random, [...this.#mine.values()]);
    if (entry === undefined) return this.#put(`${this.#name}-${this.#count}`, pick(this.#random, owners));
    // Nobody else of these four touches it then.
    this.#mine.delete(entry.exactKey);
    if (dice < 150) return this.#put(entry.exactKey, { tenant: entry.tenant, scope: entry.semantic!.scope });
    if (dice < 180) return store.remove(entry.id, 'manual');
    return this.#gateway.setVector(entry, aVector(`${this.#name}${this.#count++}`));
  }

  async #put(key: string, { tenant, scope: of }: (typeof owners)[number]): Promise<void> {
    const name = `${this.#name}-${this.#count++}`;
    const entry = anEntry(name, {
      exactKey: exactKey(key),
      tenant,
      semantic: { scope: of, text: name, embeddingModel: 'lexical-1', vector: aVector(name) },
      storedAt: this.#clock.now(),
      expiresAt: addMs(this.#clock.now(), (this.#random.int(4) === 0 ? 1 : 10) * hourMs),
    });
    await this.#gateway.put(entry);
    this.#mine.set(key, entry);
  }
}

describe('catching up', () => {
  it('by the log, by the records and by having been there ends the same, while others write and remove', () => {
    const random = testRandom('catching up');
    const clock = new FakeClock();
    const setup = { random, clock };
    return withGateways(async (open, prefix) => {
      const [a, b] = [await open(), await open()];
      const writers = [new Writer(a, 'a', setup), new Writer(b, 'b', setup)];
      const write = (steps: number) => Promise.all(writers.map((writer) => writer.write(steps)));
      await write(200);
      // A quarter of what there is ends, in Redis' own time only later.
      await clock.advance(2 * hourMs);
      const [byLog] = await Promise.all([open(), write(200)]);
      await agree('one that read the log', [a, b, byLog]);
      await server.client.xtrim(redisKeys(prefix).log, 'MAXLEN', 1);
      const [byRecords] = await Promise.all([open(), write(200)]);
      const gateways = [a, b, byLog, byRecords];
      await agree('one that read the records', gateways);
      await Promise.all([write(100), ...gateways.map(({ store }) => store.shared!.reconcile())]);
      await agree('all, after they have compared themselves with Redis meanwhile', gateways);
      assert.deepEqual([...a.index.keys()].sort(), await truthOf(prefix, clock));
      for (const { written } of writers) assert.ok(written > 200, `${written} entries are too few for a test`);
      for (const { store } of gateways) assert.equal(await store.shared!.reconcile(), 0);
    }, clock);
  });

  it('never takes back what was removed or replaced after it was read', () =>
    withGateways(async (open) => {
      let letGo = (): void => {};
      let wasRead = (): void => {};
      const read = new Promise<void>((resolve) => (wasRead = resolve));
      const slow = new Promise<void>((resolve) => (letGo = resolve));
      let holding = false;
      const held = (real: RedisConnection): RedisConnection =>
        Object.create(real, {
          pipeline: {
            value: async (...args: Parameters<RedisConnection['pipeline']>) => {
              const replies = await real.pipeline(...args);
              wasRead();
              if (holding) await slow;
              return replies;
            },
          },
        }) as RedisConnection;
      const a = await open(held);
      const b = await open();
      const entries = ['stays', 'removed-there', 'replaced-there', 'removed-here', 'replaced-here'].map((name) =>
        anEntry(name),
      );
      for (const entry of entries) await b.put(entry);
      await agree('both', [a, b]);
      const [, removedThere, replacedThere, removedHere, replacedHere] = entries as [
        CacheEntry,
        CacheEntry,
        CacheEntry,
        CacheEntry,
        CacheEntry,
      ];
      holding = true;
      const comparing = a.store.shared!.reconcile();
      await read;
      await b.store.remove(removedThere.id, 'manual');
      await b.put(anEntry('new-there', { exactKey: replacedThere.exactKey }));
      await a.store.remove(removedHere.id, 'manual');
      await a.put(anEntry('new-here', { exactKey: replacedHere.exactKey }));
      await agree('both, before what was read comes in', [a, b]);
      letGo();
      assert.equal(await comparing, 0);
      await agree('both, after it', [a, b]);
      assert.deepEqual([...a.index.keys()].sort(), ['entry-new-here', 'entry-new-there', 'entry-stays']);
      assert.equal(await a.store.shared!.reconcile(), 0);
    }));

  it('knows of an invalidation that comes in while it begins to read', () =>
    withGateways(async (open, prefix) => {
      const a = await open();
      for (const name of ['one', 'two', 'three']) await a.put(anEntry(name));
      await server.client.xtrim(redisKeys(prefix).log, 'MAXLEN', 1);
      let raised = false;
      const late = await open(
        (real) =>
          Object.create(real, {
            call: {
              value: async (...args: Parameters<RedisConnection['call']>) => {
                if (args[0][0] === 'XINFO' && !raised) {
                  raised = true;
                  // A record of before is stored only now.
                  const { client } = server;
                  await a.store.shared!.invalidate({ kind: 'all' });
                  const head = encodeHead(headOf(anEntry('before'), { bytes: 500, version: 0, writer: 'somebody' }));
                  await client.hset(redisKeys(prefix).record(exactKey('key-before')), {
                    head,
                    vec8: Buffer.alloc(20, 1),
                  });
                }
                return real.call(...args);
              },
            },
          }) as RedisConnection,
      );
      assert.ok(raised);
      assert.deepEqual([...late.index.keys()], []);
      await agree('both', [a, late]);
    }));

  it('leaves out what is damaged or of a newer form, and takes the rest', () =>
    withGateways(async (open, prefix) => {
      const a = await open();
      const { client } = server;
      const keys = redisKeys(prefix);
      const headFor = (name: string) =>
        encodeHead(headOf(anEntry(name), { bytes: 500, version: 0, writer: 'somebody' }));
      const log = (...fields: (string | Buffer)[]) => client.call('XADD', keys.log, '*', ...fields);
      const record = (name: string, fields: Record<string, string | Buffer>) =>
        client.hset(keys.record(exactKey(name)), fields);
      await a.put(anEntry('first'));
      const newer = headFor('newer');
      newer[0] = 99;
      for (const head of [Buffer.alloc(0), Buffer.from('what'), headFor('short').subarray(0, 60), newer]) {
        await log('h', head, 'v', Buffer.alloc(20, 1));
        await record(`key-damaged-${head.length}`, { head, vec8: Buffer.alloc(20, 1) });
      }
      await log('h', headFor('no-vector'));
      await log('z', 'of a newer gateway');
      await log('newer', headFor('of-a-newer-gateway'), 'v', Buffer.alloc(20, 1));
      await record('key-no-vector', { head: headFor('no-vector') });
      await record('key-of-another', { head: headFor('elsewhere'), vec8: Buffer.alloc(20, 1) });
      await client.set(keys.record(exactKey('key-no-hash')), 'text');
      await a.put(anEntry('last'));
      const byLog = await open();
      await client.xtrim(keys.log, 'MAXLEN', 1);
      const byRecords = await open();
      await agree('all', [a, byLog, byRecords]);
      assert.deepEqual([...byRecords.index.keys()].sort(), [entryId('entry-first'), entryId('entry-last')]);
    }));
});
