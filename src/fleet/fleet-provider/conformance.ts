/** What every driver of the FleetProvider port must do, whatever is behind it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError, type ErrorCode } from '../../core/errors.ts';
import { addMs, epochMs } from '../../core/units.ts';
import { instanceId, offerId } from '../fleet-provider.ts';
import type { FleetProvider, Instance, InstanceId, LaunchSpec, OfferQuery } from '../fleet-provider.ts';

export interface FleetFixture {
  readonly provider: FleetProvider;
  /** undefined: there is nothing to rent. */
  readonly market:
    | {
        readonly query: OfferQuery;
        readonly gpuName: string;
        /** Epoch ms. */
        now(): number;
        /** Lets time pass until it holds. @throws when that takes too long */
        until(what: string, holds: () => Promise<boolean>): Promise<void>;
      }
    | undefined;
  /** Ids of what is there already. */
  readonly own: readonly InstanceId[];
  close(): Promise<void>;
}

const signal = new AbortController().signal;
const call = { signal };
const secret = 'correct-horse-battery-staple';

const specOf = (label: string): LaunchSpec => ({
  label,
  image: 'ollama/ollama:0.13.0',
  diskGb: 32,
  env: { TOKEN_OF_TEST: secret, OLLAMA_HOST: '127.0.0.1:11434' },
  ports: [8443],
  script: 'echo hello',
});

const fails = async (promise: Promise<unknown>, code: ErrorCode): Promise<AppError> => {
  const error = await promise.then(
    () => assert.fail(`expected ${code}, and it worked`),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof AppError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
};

export function fleetProviderConformance(driver: string, open: () => Promise<FleetFixture>): void {
  const using = async (act: (fixture: FleetFixture) => Promise<void>): Promise<void> => {
    const fixture = await open();
    try {
      await act(fixture);
    } finally {
      await fixture.close();
    }
  };
  /** Only where machines can be rented; the rest of the suite holds for all. */
  const renting = (act: (fixture: FleetFixture, market: NonNullable<FleetFixture['market']>) => Promise<void>) =>
    using(async (fixture) => {
      if (fixture.market) return act(fixture, fixture.market);
      assert.deepEqual(await fixture.provider.searchOffers(anyQuery, call), []);
      await fails(fixture.provider.rent(offerId('1'), specOf('gw-a-1'), call), 'provider_refused');
    });

  describe(`FleetProvider port: ${driver}`, () => {
    it('offers only what was asked for', () =>
      renting(async ({ provider }, { query }) => {
        const offers = await provider.searchOffers(query, call);
        assert.ok(offers.length > 0 && offers.length <= query.limit);
        for (const offer of offers) {
          assert.ok(query.gpuNames.includes(offer.gpuName), offer.gpuName);
          assert.ok(offer.pricePerHour > 0 && offer.pricePerHour <= query.pricePerHourMax);
          assert.ok(Number.isInteger(offer.pricePerHour) && Number.isInteger(offer.storagePerHour));
          assert.ok(offer.vramMib >= query.vramMibMin && offer.reliability >= query.reliabilityMin);
          assert.ok(offer.downloadMbps >= query.downloadMbpsMin && offer.diskGb >= query.diskGb);
          assert.ok(offer.cudaMax >= query.cudaMin && offer.durationS >= query.durationSMin);
          assert.match(offer.country, /^[A-Z]{2}$|^$/);
          assert.notEqual(offer.machineId, '');
        }
        const dear = { ...query, pricePerHourMax: 1 as typeof query.pricePerHourMax };
        assert.deepEqual(await provider.searchOffers(dear, call), []);
      }));

    it('lists by the beginning of the label, and what is there already under its own', () =>
      using(async ({ provider, own }) => {
        assert.deepEqual(await provider.list('gw-nobody-', call), []);
        const all = await provider.list('', call);
        assert.deepEqual(all.map(({ id }) => id).toSorted(), [...own].toSorted());
      }));

    it('rents: found by its label at once, reachable when it runs, billed then', () =>
      renting(async ({ provider }, market) => {
        const id = await rentOne(provider, market.query, 'gw-a-1');
        await rentOne(provider, market.query, 'gw-b-1');
        const [listed, ...others] = await provider.list('gw-a-', call);
        assert.deepEqual(others, []);
        assert.equal(listed?.id, id);
        assert.equal(listed.label, 'gw-a-1');
        let running: Instance | undefined;
        await market.until('the instance runs', async () => {
          const [instance] = await provider.list('gw-a-', call);
          assert.ok(instance);
          assert.equal(instance.gpuBilled, instance.status === 'running');
          if (instance.status !== 'running') assert.equal(instance.endpoints.size, 0);
          running = instance;
          return instance.status === 'running';
        });
        assert.ok(running!.pricePerHour > 0 && running!.startedAt !== undefined);
        const endpoint = running!.endpoints.get(8443);
        assert.ok(endpoint && endpoint.port > 0 && !/\s/.test(endpoint.host));
      }));

    it('says that an offer is gone once somebody has it', () =>
      renting(async ({ provider }, { query }) => {
        const offers = await provider.searchOffers(query, call);
        const [offer] = offers;
        await provider.rent(offer!.id, specOf('gw-a-1'), call);
        await fails(provider.rent(offer!.id, specOf('gw-a-2'), call), 'offer_gone');
      }));

    it('destroys until the list no longer shows it, and again without complaint', () =>
      renting(async ({ provider }, { query }) => {
        const id = await rentOne(provider, query, 'gw-a-1');
        await provider.destroy(id, call);
        assert.deepEqual(await provider.list('gw-', call), []);
        await provider.destroy(id, call);
      }));

    it('takes an instance that never was for one that is gone', () =>
      using(async ({ provider }) => provider.destroy(instanceId('99'), call)));

    it('refuses to destroy, stop or start what it did not rent, or lists it no more', () =>
      using(async ({ provider, own }) => {
        for (const id of own) {
          await fails(provider.destroy(id, call), 'provider_refused');
          await fails(provider.stop(id, call), 'provider_refused');
          await fails(provider.start(id, call), 'provider_refused');
        }
      }));

    it('stops and starts again, however often it is told, and bills no GPU between', () =>
      renting(async ({ provider }, market) => {
        const id = await rentOne(provider, market.query, 'gw-a-1');
        const becomes = (status: Instance['status']) =>
          market.until(`it is ${status}`, async () => (await provider.list('gw-a-', call))[0]?.status === status);
        await becomes('running');
        await provider.stop(id, call);
        await provider.stop(id, call);
        await becomes('stopped');
        const [stopped] = await provider.list('gw-a-', call);
        assert.deepEqual([stopped!.id, stopped!.gpuBilled, stopped!.endpoints.size], [id, false, 0]);
        assert.ok(stopped!.storagePerHour > 0 && stopped!.storagePerHour < stopped!.pricePerHour);
        await provider.start(id, call);
        await becomes('running');
        await provider.start(id, call);
        const [running] = await provider.list('gw-a-', call);
        assert.deepEqual([running!.id, running!.gpuBilled], [id, true]);
        assert.ok(running!.endpoints.get(8443));
      }));

    it('says that a start has failed to find what shall be started', () =>
      renting(async ({ provider }) => {
        await fails(provider.start(instanceId('99'), call), 'provider_unavailable');
        await fails(provider.stop(instanceId('99'), call), 'provider_unavailable');
      }));

    it('shows logs and status without the secrets it was given', () =>
      renting(async ({ provider }, { query }) => {
        const id = await rentOne(provider, query, 'gw-a-1');
        const log = await provider.logs(id, call);
        assert.notEqual(log, '');
        assert.ok(!log.includes(secret), log);
        for (const instance of await provider.list('', call)) assert.ok(!JSON.stringify(instance).includes(secret));
      }));

    it('tells charges per instance and component', () =>
      renting(async ({ provider }, market) => {
        const id = await rentOne(provider, market.query, 'gw-a-1');
        await market.until('it has run for a while', async () => {
          const range = { from: epochMs(market.now() - 1), to: addMs(epochMs(market.now()), 1) };
          const charges = await provider.charges(range, call);
          assert.ok(charges.every(({ instanceId: of, amount }) => of === id && Number.isInteger(amount)));
          return charges.some(({ component, amount }) => component === 'gpu' && amount > 0);
        });
      }));

    it('knows the account and the market', () =>
      using(async ({ provider, market }) => {
        if (market === undefined) return assert.deepEqual(await provider.market([], call), []);
        const account = await provider.account(call);
        assert.ok(account.balance > 0);
        assert.match(account.email, /@/);
        const prices = await provider.market([market.gpuName], call);
        assert.deepEqual(
          prices.map(({ gpuName }) => gpuName),
          [market.gpuName],
        );
        assert.ok(prices[0]!.p10 > 0 && prices[0]!.p10 <= prices[0]!.median);
      }));

    it('stops when the caller leaves', () =>
      renting(async ({ provider }, { query }) => {
        await fails(provider.searchOffers(query, { signal: AbortSignal.abort() }), 'aborted');
        await fails(provider.list('', { signal: AbortSignal.abort() }), 'aborted');
      }));
  });
}

const anyQuery: OfferQuery = {
  gpuNames: [],
  vramMibMin: 0,
  pricePerHourMax: 1e9 as OfferQuery['pricePerHourMax'],
  reliabilityMin: 0,
  downloadMbpsMin: 0,
  diskGb: 8,
  cudaMin: 0,
  durationSMin: 0,
  limit: 10,
};

/** Of several offers one may be gone: that is normal in a market. */
export async function rentOne(
  provider: FleetProvider,
  query: OfferQuery,
  label: string,
  spec = specOf(label),
): Promise<InstanceId> {
  for (const offer of await provider.searchOffers(query, call)) {
    try {
      return await provider.rent(offer.id, spec, call);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'offer_gone') throw error;
    }
  }
  assert.fail('every offer was gone');
}
