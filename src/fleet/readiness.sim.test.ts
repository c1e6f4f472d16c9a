import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelName, thinkerId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { usdMicros } from '../core/units.ts';
import { startVastWorld, type Flaw, type VastWorld } from '../sim/world.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { until } from '../testing/until.ts';
import { createOllamaThinker } from '../thinkers/thinker/ollama.ts';
import { decodeAdmission, makeIdentity, type Admission } from './bootstrap/identity.ts';
import { connectionOf, launchDefaults, prepareLaunch, workerPort } from './bootstrap/launch.ts';
import { rentOne } from './fleet-provider/conformance.ts';
import { createVastProvider } from './fleet-provider/vast.ts';
import type { Instance, OfferQuery } from './fleet-provider.ts';
import { checkReadiness, type Readiness } from './readiness.ts';

const model = 'qwen2:7b-instruct-q6_K';
const call = { signal: new AbortController().signal };
const query: OfferQuery = {
  gpuNames: ['RTX 4090'],
  vramMibMin: 12_000,
  pricePerHourMax: usdMicros(900_000),
  reliabilityMin: 0.9,
  downloadMbpsMin: 100,
  diskGb: 32,
  cudaMin: 12,
  durationSMin: 3_600,
  limit: 20,
};
const timeScale = 60;

interface Rig {
  readonly world: VastWorld;
  readonly instance: Instance;
  readonly admission: Admission;
  /** As the fleet would look at it. */
  look(
    admission?: Admission,
    options?: { tokensPerSMin?: number; digest?: string; modelProven?: boolean },
  ): Promise<Readiness>;
}

/** One machine, rented and running, with this flaw. */
async function withMachine(flaw: Flaw | undefined, act: (rig: Rig) => Promise<void>): Promise<void> {
  const world = await startVastWorld({
    seed: 11,
    timeScale,
    bootScale: 0.5,
    badShare: 0,
    takenShare: 0,
    mtbfHours: Infinity,
    rateLimits: 'off',
  });
  const provider = createVastProvider({
    url: world.url,
    key: world.key,
    clock: world.clock,
    random: seededRandom(1),
    logger: silentLogger,
    timeoutMs: 30_000 * timeScale,
  });
  try {
    if (flaw) world.inject({ kind: 'next-flaw', flaw, times: 1 });
    const { spec, secrets } = prepareLaunch('gw-a-1', { ...launchDefaults, marketUrl: world.url, model });
    await rentOne(provider, query, 'gw-a-1', spec);
    await until('it runs', () => world.instances()[0]?.status === 'running', 20_000);
    const [instance] = await provider.list('gw-', call);
    const endpoint = instance!.endpoints.get(workerPort)!;
    const look: Rig['look'] = async (admission = decodeAdmission(secrets), options = {}) => {
      const thinker = createOllamaThinker({
        id: thinkerId('rented'),
        name: 'rented',
        kind: 'rented',
        ...connectionOf(admission, endpoint),
        maxConcurrency: 8,
        costPerHour: usdMicros(0),
        connectTimeoutMs: 2_000,
        clock: world.clock,
      });
      try {
        return await checkReadiness(
          {
            thinker,
            model: modelName(model),
            clock: world.clock,
            random: seededRandom(5),
            // A busy machine stalls for seconds of this fast world: nobody sound may fail for that.
            tokensPerSMin: 0.5,
            // Of the world's time, which runs fast.
            loadMs: 60_000 * timeScale,
            ...options,
          },
          call,
        );
      } finally {
        await thinker.close();
      }
    };
    await act({ world, instance: instance!, admission: decodeAdmission(secrets), look });
  } finally {
    await provider.close();
    await world.close();
  }
}

/** Looks until the verdict is more than `not-yet`. */
async function verdict(rig: Rig, ...how: Parameters<Rig['look']>): Promise<Readiness> {
  for (let looks = 0; looks < 200; looks++) {
    const seen = await rig.look(...how);
    if (seen.kind !== 'not-yet') return seen;
    await rig.world.clock.sleep(5_000);
  }
  assert.fail('no verdict after 200 looks');
}

describe('readiness of a rented machine', () => {
  it('waits for the proxy and the model, then is ready with its pace', () =>
    withMachine(undefined, async (rig) => {
      const first = await rig.look();
      assert.ok(
        first.kind === 'not-yet' && ['unreachable', 'model-missing'].includes(first.code),
        JSON.stringify(first),
      );
      const seen = await verdict(rig);
      assert.ok(seen.kind === 'ready', JSON.stringify(seen));
      assert.equal(seen.model.name, modelName(model));
      assert.ok(seen.tokensPerS >= 0.5, `${seen.tokensPerS}`);
    }));

  it('waits for a model that never comes', () =>
    withMachine('pull-stalls', async (rig) => {
      await until('the proxy answers', () => rig.world.instances()[0]?.status === 'running', 20_000);
      for (;;) {
        const seen = await rig.look();
        assert.equal(seen.kind, 'not-yet');
        if (seen.kind === 'not-yet' && seen.code === 'model-missing') return;
        await rig.world.clock.sleep(5_000);
      }
    }));

  it('cannot reach a port that is mapped to nothing', () =>
    withMachine('dead-port', async (rig) => {
      const seen = await rig.look();
      assert.ok(seen.kind === 'not-yet' && seen.code === 'unreachable', JSON.stringify(seen));
    }));

  const unfit: readonly (readonly [Flaw, string, 'strike' | 'permanent', tokensPerSMin: number])[] = [
    ['cpu-only', 'on-cpu', 'permanent', 0.5],
    ['wrong-answers', 'wrong-answer', 'permanent', 0.5],
    // It makes a quarter of the 94 of its kind.
    ['slow', 'slow', 'strike', 40],
  ];
  for (const [flaw, code, bench, tokensPerSMin] of unfit) {
    it(`finds a machine unfit that is ${flaw}`, () =>
      withMachine(flaw, async (rig) => {
        const seen = await verdict(rig, rig.admission, { tokensPerSMin });
        assert.ok(seen.kind === 'unfit', JSON.stringify(seen));
        assert.equal(seen.code, code);
        assert.equal(seen.bench, bench);
      }));
  }

  it('condemns no machine for an answer that may be the model’s own', () =>
    withMachine('wrong-answers', async (rig) => {
      const seen = await verdict(rig, rig.admission, { modelProven: false });
      assert.ok(seen.kind === 'unfit' && seen.code === 'wrong-answer' && seen.bench === 'strike');
      assert.match(seen.reason, /cannot follow instructions/);
    }));

  it('sends nothing to a machine with another key, and is refused with another token', () =>
    withMachine(undefined, async (rig) => {
      assert.equal((await verdict(rig)).kind, 'ready');
      const other = makeIdentity().admission;
      const answers = rig.world.instances()[0]!.answers;
      const wrongKey = await rig.look({ ...rig.admission, pinSha256: other.pinSha256 });
      assert.ok(wrongKey.kind === 'unfit' && wrongKey.code === 'wrong-key', JSON.stringify(wrongKey));
      const wrongToken = await rig.look({ ...rig.admission, token: other.token });
      assert.ok(wrongToken.kind === 'not-yet' && /bearer/.test(wrongToken.reason), JSON.stringify(wrongToken));
      assert.equal(rig.world.instances()[0]!.answers, answers);
    }));

  it('asks for the digest where it is known', () =>
    withMachine(undefined, async (rig) => {
      const seen = await verdict(rig, rig.admission, { digest: 'f'.repeat(64) });
      assert.ok(seen.kind === 'unfit' && seen.code === 'wrong-model' && seen.bench === 'permanent');
    }));
});
