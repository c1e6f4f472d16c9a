/** Two gateways under steady traffic while their Redis is broken at random; the same seed breaks it the same way. */
import assert from 'node:assert/strict';
import { seededRandom } from '../../src/core/random.ts';
import { startRedis } from '../../src/testing/redis-kit.ts';
import { startTcpProxy } from '../../src/testing/tcp-proxy.ts';
import { percentile, watchPauses } from './added-latency.ts';
import { addedMsMax, drillKeys } from './redis-drill.ts';
import { askOf, startSharedGateways } from './shared-gateways.ts';
import { until } from './until.ts';

export interface ChaosOptions {
  readonly seconds: number;
  /** Requests a second, of which one in `controlEvery` goes to a gateway with no Redis. */
  readonly rate: number;
  readonly seed: number;
}

export interface ChaosReport {
  readonly requests: number;
  readonly hits: number;
  readonly faults: Readonly<Record<string, number>>;
  /** Through the gateways with Redis, what the process paused taken off. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Through the one without, in the same process at the same time. */
  readonly controlP99Ms: number;
}

const controlEvery = 5;

/** More at a time would measure the load generator. */
const inFlightMax = 400;
const questions = 150;
const tenants = ['acme', 'beta'] as const;
const agreeWithinMs = 40_000;

/** @throws AssertionError for an answer that is late, not 200, or crosses the wall of a tenant; Error when they never agree */
export async function runChaos({ seconds, rate, seed }: ChaosOptions): Promise<ChaosReport> {
  // Of its own, so that faults come in the same order however busy the machine is.
  const random = seededRandom(seed);
  const trafficRandom = seededRandom(seed + 1);
  const redis = await startRedis({ args: ['--appendonly', 'yes'] });
  const proxy = await startTcpProxy(redis.port);
  const url = `redis://127.0.0.1:${proxy.port}`;
  const shared = await startSharedGateways({ redis: [{ url }, { url }], environment: drillKeys, control: 'with' });
  const faults: Record<string, number> = {};
  const took: Record<'ill' | 'control', number[]> = { ill: [], control: [] };
  /** Whose a stored answer is: of whoever was served it first. All ask the same questions. */
  const ownerOf = new Map<string, (typeof tenants)[number]>();
  const pauses = watchPauses();
  const now: { inFlight: number; hits: number; over: boolean; failure: unknown } = {
    inFlight: 0,
    hits: 0,
    over: false,
    failure: undefined,
  };
  const mayAsk = (dueMs: number) => performance.now() >= dueMs && now.inFlight < inFlightMax;
  const goesOn = (endMs: number) => performance.now() < endMs && now.failure === undefined;

  const askOnce = async (): Promise<void> => {
    const tenant = tenants[trafficRandom.int(2)]!;
    // Squared: some are asked again and again, some hardly ever.
    const number = Math.floor(questions * trafficRandom.float() ** 2);
    const which = trafficRandom.int(controlEvery) === 0 ? 'control' : 'ill';
    const gateway = which === 'control' ? shared.control! : shared.gateways[trafficRandom.int(2)]!;
    const beganMs = performance.now();
    const asked = await askOf(gateway.gatewayUrl, `What is special about number ${number}?`, {
      authorization: `Bearer ${tenant}-key-0123456789`,
    });
    assert.equal(asked.status, 200, `a request ended with ${asked.status}`);
    if (asked.entry !== '') {
      const owner = ownerOf.get(asked.entry) ?? tenant;
      assert.equal(owner, tenant, `${tenant} was served an answer of ${owner} to question ${number}`);
      ownerOf.set(asked.entry, tenant);
    }
    if (which === 'ill' && ['exact', 'semantic'].includes(asked.cache)) now.hits += 1;
    const endMs = performance.now();
    took[which].push(endMs - beganMs - pauses.within(beganMs, endMs));
  };

  const traffic = async (): Promise<void> => {
    const beganMs = performance.now();
    for (let sent = 0; !now.over; sent++) {
      const dueMs = beganMs + (sent * 1000) / rate;
      while (!mayAsk(dueMs)) await pause(5);
      now.inFlight += 1;
      void askOnce()
        .catch((error: unknown) => (now.failure ??= error))
        .finally(() => (now.inFlight -= 1));
    }
  };

  const kinds: readonly (readonly [
    name: string,
    begin: () => Promise<unknown> | void,
    end: () => Promise<unknown> | void,
  ])[] = [
    ['blackhole', () => proxy.setMode('blackhole'), () => proxy.setMode('pass')],
    ['refuse', () => proxy.setMode('refuse'), () => proxy.setMode('pass')],
    ['reset', () => proxy.reset(), () => undefined],
    ['delay', () => proxy.setDelay(30), () => proxy.setDelay(0)],
    ['pause all', () => redis.client.call('CLIENT', 'PAUSE', '400', 'ALL'), () => redis.client.ping()],
    [
      'pause writes',
      () => redis.client.call('CLIENT', 'PAUSE', '30000', 'WRITE'),
      () => redis.client.call('CLIENT', 'UNPAUSE'),
    ],
    ['kill', () => redis.kill(), () => redis.restart()],
  ];

  try {
    const running = traffic();
    const endMs = performance.now() + seconds * 1000;
    while (goesOn(endMs)) {
      const [name, begin, end] = kinds[random.int(kinds.length)]!;
      faults[name] = (faults[name] ?? 0) + 1;
      await begin();
      await pause(100 + random.int(900));
      await end();
      await pause(100 + random.int(900));
    }
    now.over = true;
    await running;
    await until('what was asked is answered', () => now.inFlight === 0, 60_000);
    if (now.failure !== undefined) throw now.failure;
    await until(
      'both gateways are ready, owe nothing and know the same',
      () => {
        const standing = shared.gateways.map((each) => each.status().cache.shared!);
        const settled = standing.every(
          ({ state, stale, unconfirmed, writesWaiting }) =>
            state === 'ready' && !stale && unconfirmed === 0 && writesWaiting === 0,
        );
        return settled && standing[0]!.digest === standing[1]!.digest;
      },
      agreeWithinMs,
    );
    const rounded = (ms: number): number => Math.round(ms * 10) / 10;
    const [p99Ms, controlP99Ms] = [took.ill, took.control].map((each) => rounded(percentile(each, 0.99))) as [
      number,
      number,
    ];
    assert.ok(p99Ms - controlP99Ms <= addedMsMax, `p99 is ${p99Ms} ms, without Redis ${controlP99Ms} ms`);
    const report = { requests: took.ill.length + took.control.length, hits: now.hits, faults };
    return { ...report, p50Ms: rounded(percentile(took.ill, 0.5)), p99Ms, controlP99Ms };
  } finally {
    now.over = true;
    pauses.stop();
    await shared.close();
    await proxy.close();
    await redis.stop();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
