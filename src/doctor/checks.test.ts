/** Each check is made to fail, and shown to be well again once what it says has been done. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { FakeClock } from '../testing/fake-clock.ts';
import { checkTitles, type Check, type CheckId, type CheckStatus } from './check.ts';
import { checkFleet, checkPrices, type FoundMachine, type Market } from './checks/fleet.ts';
import { checkDiskAndClock, checkPorts, checkRuntime, checkSecrets, checkVersion } from './checks/machine.ts';
import {
  checkAlerts,
  checkAnswers,
  checkDoors,
  checkMetrics,
  checkThinkers,
  type ThinkerLook,
} from './checks/service.ts';
import { checkEmbedder, checkRedisStore, type EmbedderLook, type RedisLook } from './checks/stores.ts';
import { runChecks } from './run-checks.ts';

const clock = new FakeClock();
const run = async (checks: readonly Check[], fix = false) =>
  runChecks(checks, { clock, version: '1.0.0', fix, deadlineMs: 1_000 });

const covered = new Set<CheckId>();
async function expect(check: Check, status: CheckStatus, evidence: RegExp, fix?: RegExp): Promise<void> {
  covered.add(check.id);
  const [result] = (await run([check])).checks;
  assert.equal(result!.status, status, result!.evidence);
  assert.match(result!.evidence, evidence);
  if (fix) assert.match(result!.fix ?? '', fix);
  // Whoever is told that something is wrong is told what to do.
  if (status === 'fail' || status === 'warn') assert.ok(result!.fix);
}

describe('doctor', () => {
  it('D01 wants a Node that runs this, and room for connections', async () => {
    const facts = { nodeVersion: '24.1.0', platform: 'linux/x64', openFilesMax: 65_536 };
    await expect(checkRuntime({ ...facts, nodeVersion: '20.20.2' }), 'fail', /Node 20\.20\.2/, /install Node 24/);
    await expect(checkRuntime({ ...facts, openFilesMax: 256 }), 'warn', /256 open files/, /ulimit/);
    await expect(checkRuntime(facts), 'ok', /Node 24\.1\.0/);
  });

  it('D02 sees a port that somebody else has', async () => {
    const ports = [{ name: 'gateway', host: '127.0.0.1', port: 11_435, option: '--port' }] as const;
    await expect(
      checkPorts(ports, undefined, async () => 'in use'),
      'fail',
      /127\.0\.0\.1:11435: in use/,
      /--port/,
    );
    await expect(
      checkPorts(ports, undefined, async () => undefined),
      'ok',
      /^free/,
    );
    await expect(
      checkPorts(ports, ['http://127.0.0.1:11435'], async () => 'in use'),
      'ok',
      /the gateway has them/,
    );
  });

  it('D03 sees a disk that is full and a clock that is wrong', async () => {
    const at = (bytes: number, aheadMs: number) =>
      checkDiskAndClock({
        freeBytes: async () => ({ path: '/srv', bytes }),
        otherClocks: async () => [
          { of: 'market', aheadMs: 100 },
          { of: 'gpu-1', aheadMs },
        ],
      });
    await expect(at(1e6, 0), 'fail', /free at \/srv/, /make room/);
    await expect(at(1e9, 0), 'warn', /free at \/srv/, /make room/);
    await expect(at(1e12, -600_000), 'fail', /gpu-1 is 600 s behind/, /NTP/);
    await expect(at(1e12, 20_000), 'warn', /20 s ahead/, /NTP/);
    await expect(at(1e12, 400), 'ok', /at the same time/);
  });

  it('D04 passes on what is wrong with Redis', async () => {
    const look = (findings: RedisLook['findings'], backend: string | undefined = 'log') =>
      checkRedisStore(async () => ({ address: 'db:6379', engine: 'redis 7.0', backend, why: 'it fits', findings }));
    const eviction = { level: 'problem', what: 'eviction', found: 'noeviction', remedy: 'set volatile-lru' } as const;
    await expect(look([eviction]), 'fail', /eviction: noeviction/, /volatile-lru/);
    await expect(look([{ ...eviction, level: 'warning' }]), 'warn', /eviction/, /volatile-lru/);
    await expect(
      checkRedisStore(async () => {
        throw new Error('WRONGPASS');
      }),
      'fail',
      /WRONGPASS/,
    );
    await expect(look([]), 'ok', /redis 7\.0 at db:6379: log/);
    await expect(checkRedisStore(undefined), 'skipped', /no Redis/);
  });

  it('D05 sees an embedder that is broken or slow, and fetches it anew', async () => {
    const well: EmbedderLook = {
      id: 'minilm',
      why: 'its files are there',
      remedy: undefined,
      dimensions: 384,
      p95Ms: 3,
      fault: undefined,
    };
    let fault: string | undefined = 'its vectors have length 0.500, not 1';
    const check = checkEmbedder(
      async () => ({ ...well, fault }),
      async () => {
        fault = undefined;
        return 'fetched';
      },
    );
    await expect(check, 'fail', /length 0\.500/, /embedder fetch/);
    const [mended] = (await run([check], true)).checks;
    assert.deepEqual([mended!.status, mended!.mended], ['ok', 'fetched']);
    await expect(
      checkEmbedder(async () => ({ ...well, p95Ms: 90 }), undefined),
      'warn',
      /90\.0 ms/,
      /deadline/,
    );
  });

  const machine: FoundMachine = { id: '7', label: 'gw-main-1', gpu: 'RTX 4090', status: 'running', usdPerHour: 0.4 };
  const caps = { perHourUsd: 1, perDayUsd: 10, perMonthUsd: 100, perRentalUsd: 5 };
  const fleetCheck = (id: CheckId, market: Partial<Market> | undefined, limits = caps): Check =>
    checkFleet(
      market && {
        account: async () => ({ balanceUsd: 50, email: 'ann@example.org' }),
        list: async () => [machine],
        spares: async () => new Set(),
        known: async () => new Set([machine.label]),
        destroy: async () => {},
        ...market,
      },
      limits,
    ).find((check) => check.id === id)!;

  it('D06 sees a key that the market refuses, and shows no address', async () => {
    const refused = async (): Promise<never> => {
      throw new Error('provider_refused: Invalid user key');
    };
    await expect(fleetCheck('D06', { account: refused }), 'fail', /Invalid user key/);
    await expect(fleetCheck('D06', {}), 'ok', /a…@example\.org/);
    await expect(fleetCheck('D06', undefined), 'skipped', /fleet\.provider is off/);
  });

  it('D07 sees credit that does not last a day', async () => {
    const left = (balanceUsd: number) => ({ account: async () => ({ balanceUsd, email: '' }) });
    await expect(fleetCheck('D07', left(0)), 'fail', /\$0\.00 left/, /add credit/);
    await expect(fleetCheck('D07', left(3)), 'warn', /\$0\.400 an hour now, 8 h/, /add credit/);
    await expect(fleetCheck('D07', left(50)), 'ok', /125 h/);
    await expect(fleetCheck('D07', { ...left(0.5), list: async () => [] }), 'warn', /nothing rented now/);
  });

  it('D08 sees caps that stop nothing', async () => {
    await expect(fleetCheck('D08', {}, { ...caps, perDayUsd: 100 }), 'warn', /\$100 a day/, /perDayUsd stops nothing/);
    await expect(fleetCheck('D08', {}, { ...caps, perMonthUsd: 1_000 }), 'warn', /month/, /perMonthUsd stops nothing/);
    await expect(fleetCheck('D08', {}), 'ok', /\$1 an hour, \$10 a day/);
    covered.add('D08');
    const [none] = (await run([checkFleet({} as Market, undefined)[2]!])).checks;
    assert.deepEqual([none!.id, none!.status], ['D08', 'fail']);
  });

  for (const [id, wrong] of [
    ['D09', { ...machine, label: 'gw-main-unknown' }],
    ['D10', { ...machine, status: 'stopped' }],
  ] as const)
    it(`${id} sees a machine that bills for nothing, and gives it back`, async () => {
      let machines: FoundMachine[] = [wrong];
      const check = fleetCheck(id, {
        list: async () => machines,
        destroy: async (gone) => {
          machines = machines.filter((each) => each.id !== gone);
        },
      });
      await expect(check, 'fail', /7 \(RTX 4090, \$0\.400\/h\)/, /fleet stop/);
      const [mended] = (await run([check], true)).checks;
      assert.equal(mended!.status, 'ok');
      assert.match(mended!.mended!, /^gave back 7/);
    });

  it('D10 leaves machines alone that are kept stopped, and not those of a host that is away', async () => {
    const kept = { spares: async () => new Set(['gw-main-1']) };
    await expect(fleetCheck('D10', { ...kept, list: async () => [{ ...machine, status: 'stopped' }] }), 'ok', /1 kept/);
    await expect(fleetCheck('D10', { ...kept, list: async () => [{ ...machine, status: 'lost' }] }), 'fail', /7/);
  });

  it('D11 sees thinkers that are away, empty, open or simulated', async () => {
    const well: ThinkerLook = {
      name: 'gpu-1',
      kind: 'static',
      url: 'http://gpu-1:11434',
      slots: 4,
      unreachable: undefined,
      models: 2,
      answersStrangers: false,
      exposedAt: undefined,
    };
    const of = (thinker: Partial<ThinkerLook>) => checkThinkers(false, async () => [{ ...well, ...thinker }]);
    await expect(
      of({ unreachable: 'ECONNREFUSED' }),
      'fail',
      /gpu-1:11434 does not answer: ECONNREFUSED/,
      /start Ollama/,
    );
    await expect(of({ models: 0 }), 'fail', /no model/, /pull/);
    await expect(of({ answersStrangers: true }), 'fail', /without its bearer/, /token/);
    await expect(of({ exposedAt: 'http://10.0.0.5:11434' }), 'fail', /10\.0\.0\.5/, /OLLAMA_HOST/);
    await expect(of({ slots: 1 }), 'warn', /one request at a time/, /OLLAMA_NUM_PARALLEL/);
    await expect(of({ kind: 'simulated' }), 'warn', /simulated/);
    await expect(
      checkThinkers(false, async () => []),
      'warn',
      /no Ollama/,
      /init/,
    );
    await expect(
      checkThinkers(true, async () => []),
      'ok',
      /rented/,
    );
    await expect(of({}), 'ok', /gpu-1 \(2 models, 4 at a time\)/);
  });

  it('D12 sees a cache that does not remember', async () => {
    const asked = (second: string, ms: number) =>
      checkAnswers(async () => ({ model: 'm', first: { cache: 'miss', ms: 800 }, second: { cache: second, ms } }));
    await expect(asked('miss', 800), 'fail', /then miss/, /why/);
    await expect(asked('exact', 300), 'warn', /exact in 300/);
    await expect(asked('exact', 2), 'ok', /miss in 800 ms, then exact in 2\.0 ms/);
    await expect(checkAnswers(undefined), 'skipped', /llm-self-host up/);
  });

  it('D13 sees metrics that are missing or too many', async () => {
    const series = (n: number) => Array.from({ length: n }, (_, i) => `selfhost_x{i="${i}"} 1`).join('\n');
    await expect(
      checkMetrics(async () => '# HELP\n'),
      'fail',
      /^0 series/,
    );
    await expect(
      checkMetrics(async () => series(2_001)),
      'warn',
      /2001 series/,
    );
    await expect(
      checkMetrics(async () => series(300)),
      'ok',
      /300 series/,
    );
  });

  it('D14 sees that nobody is told, and tests a channel that failed', async () => {
    await expect(checkAlerts(undefined, 0, undefined), 'warn', /nobody is told/, /alerts\.channels/);
    let lastError: string | undefined = 'status 404';
    const check = checkAlerts(
      async () => [{ name: 'ops', lastError }],
      1,
      async () => {
        lastError = undefined;
        return 'ops: delivered';
      },
    );
    await expect(check, 'fail', /ops: status 404/, /alerts test/);
    const [mended] = (await run([check], true)).checks;
    assert.deepEqual([mended!.status, mended!.mended], ['ok', 'ops: delivered']);
  });

  it('D15 sees prices that are old', async () => {
    const day = 86_400_000;
    const price = (days: number | undefined) =>
      checkPrices(
        [{ name: 'A10G', pricedAt: days === undefined ? undefined : 1000 * day - days * day }],
        () => 1000 * day,
      );
    await expect(price(31), 'warn', /A10G 31 days old/, /pricedOn/);
    await expect(price(undefined), 'warn', /undated/, /pricedOn/);
    await expect(price(30), 'ok', /30 days/);
  });

  it('D16 sees secrets that others can read, and shuts them', async () => {
    let mode = 0o100644;
    const check = checkSecrets({
      files: async () => [
        { path: '/etc/key', mode },
        { path: '/etc/none', mode: undefined },
      ],
      weak: [],
      restrict: async () => {
        mode = 0o100600;
      },
    });
    await expect(check, 'fail', /\/etc\/key \(644\)/, /chmod 600 \/etc\/key/);
    const [mended] = (await run([check], true)).checks;
    assert.deepEqual([mended!.status, mended!.mended], ['ok', 'chmod 600 /etc/key']);
    await expect(
      checkSecrets({ files: async () => [], weak: ['the operator key'], restrict: async () => {} }),
      'fail',
      /tries first.*operator key/,
      /openssl/,
    );
  });

  it('D17 sees open doors', async () => {
    const shut = {
      gatewayHost: '127.0.0.1',
      gatewayOpen: false,
      gatewayKeyed: false,
      adminHost: '127.0.0.1',
      adminOpen: false,
      adminKeyed: false,
      corsAny: false,
    };
    await expect(checkDoors(shut), 'ok', /gateway on 127/);
    await expect(
      checkDoors({ ...shut, gatewayHost: '0.0.0.0', gatewayOpen: true }),
      'fail',
      /0\.0\.0\.0/,
      /keys create/,
    );
    await expect(
      checkDoors({ ...shut, adminHost: '0.0.0.0', adminOpen: true }),
      'fail',
      /operator/,
      /SELFHOST_ADMIN_KEY/,
    );
    await expect(checkDoors({ ...shut, corsAny: true }), 'fail', /any web page/, /corsOrigins/);
    await expect(checkDoors({ ...shut, gatewayOpen: true, gatewayKeyed: true }), 'warn', /with keys/, /TLS/);
  });

  it('D18 sees a gateway that is older than what is installed, data that is damaged, and what overrides the configuration', async () => {
    const data = (runningVersion: string | undefined, fault?: string) =>
      checkVersion({
        ownVersion: '1.0.0',
        runningVersion,
        databases: async () => [{ name: 'cache.sqlite', fault }],
        overriding: () => [{ name: 'cache.ttlMs', value: 60_000, written: 86_400_000 }],
      });
    await expect(data('0.9.0'), 'warn', /running 0\.9\.0/, /restart/);
    await expect(data('1.0.0', 'malformed'), 'fail', /cache\.sqlite: malformed/, /restore/);
    await expect(
      data('1.0.0'),
      'ok',
      /stored: cache\.sqlite; cache\.ttlMs was changed at run time to 60000, configured: 86400000/,
    );
  });

  it('has a section for each check in its page, and a test above', () => {
    const page = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
    for (const id of Object.keys(checkTitles) as CheckId[]) {
      assert.match(page, new RegExp(`^## ${id}$`, 'm'));
      assert.ok(covered.has(id), `${id} is not tested`);
    }
  });
});

describe('runChecks', () => {
  const check = (id: CheckId, look: Check['look']): Check => ({ id, look });

  it('goes on past a check that hangs, and one that breaks', async () => {
    const hanging = check('D01', () => new Promise(() => {}));
    const broken = check('D02', async () => {
      throw new Error('no such file');
    });
    const well = check('D03', async () => ({ status: 'ok', evidence: 'well' }));
    const done = run([hanging, broken, well]);
    await clock.advance(1_000);
    const { checks, worst } = await done;
    assert.equal(worst, 'fail');
    assert.deepEqual(
      checks.map(({ status, evidence }) => [status, evidence]),
      [
        ['fail', 'no answer within 1 s'],
        ['fail', 'no such file'],
        ['ok', 'well'],
      ],
    );
  });

  it('mends nothing unless told to, and says when mending fails', async () => {
    let mended = 0;
    const odd = check('D16', async () => ({
      status: 'fail',
      evidence: 'odd',
      fix: 'mend it',
      mend: async () => {
        mended++;
        throw new Error('read-only file system');
      },
    }));
    assert.equal((await run([odd])).checks[0]!.mendable, true);
    assert.equal(mended, 0);
    const [result] = (await run([odd], true)).checks;
    assert.equal(result!.status, 'fail');
    assert.equal(result!.mended, 'could not be mended: read-only file system');
  });
});
