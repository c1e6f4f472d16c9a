import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { usdMicros } from '../core/units.ts';
import { anOffer } from '../testing/fleet-builders.ts';
import type { Offer } from './fleet-provider.ts';
import {
  offerWeightDefaults,
  pickOffers,
  rankOffers,
  scoreOffer,
  type OfferContext,
  type OfferNeeds,
} from './offers.ts';
import { benchHours, noHistory, type HostHistory, type MachineRecord } from './offers/host-history.ts';

const needs: OfferNeeds = {
  vramMibMin: 12_000,
  cudaMin: 12.4,
  directPortsMin: 2,
  downloadMbpsMin: 200,
  diskGb: 32,
  reliabilityMin: 0.97,
  durationSMin: 86_400,
  pricePerHourMax: usdMicros(800_000),
  gpuNames: [],
  countries: [],
  verification: 'verified',
  hosting: 'any',
};
const context: OfferContext = {
  needs,
  history: noHistory,
  benched: () => undefined,
  placed: [],
  workload: { imageGb: 2, modelGb: 6.25, utilisation: 0.7, upGbPerHour: 0.1, downGbPerHour: 0.1, lifeHours: 4 },
  urgency: 'normal',
  weights: offerWeightDefaults,
};
const best = (offers: readonly Offer[], more: Partial<OfferContext> = {}) =>
  rankOffers(offers, { ...context, ...more }).ranked[0]?.offer.id;
const record = (fields: Partial<MachineRecord>): MachineRecord => ({
  startsGood: 0,
  startsBad: 0,
  losses: 0,
  servedHours: 0,
  tokensPerS: undefined,
  ...fields,
});
const knowing = (machines: Record<string, MachineRecord>, hosts: Record<string, MachineRecord> = {}): HostHistory => ({
  machine: (id) => machines[id],
  host: (id) => hosts[id],
  gpuTokensPerS: () => undefined,
});

describe('offers', () => {
  it('leaves out what cannot serve, and says why', () => {
    const bad: readonly [Partial<Offer>, RegExp][] = [
      [{ verified: false }, /not verified/],
      [{ gpuCount: 2 }, /2 GPUs/],
      [{ vramMib: 8000 }, /GPU memory 8000 MiB < 12000 MiB/],
      [{ cudaMax: 12.2 }, /CUDA 12.2 < 12.4/],
      [{ directPorts: 1 }, /direct ports/],
      [{ downloadMbps: 100 }, /download 100 Mb\/s/],
      [{ diskGb: 20 }, /disk/],
      [{ reliability: 0.9 }, /reliability/],
      [{ durationS: 3600 }, /let out for 1 h < 24 h/],
      [{ pricePerHour: usdMicros(900_000) }, /an hour with traffic > \$0.800/],
    ];
    for (const [fields, reason] of bad) {
      const { ranked, rejected } = rankOffers([anOffer({ id: 'a', ...fields })], context);
      assert.equal(ranked.length, 0);
      assert.match(rejected[0]!.reason, reason);
    }
    const offers = [anOffer({ id: 'a' })];
    const because = (more: Partial<OfferContext>) => rankOffers(offers, { ...context, ...more }).rejected[0]?.reason;
    assert.match(because({ needs: { ...needs, countries: ['DE'] } })!, /country SE/);
    assert.match(because({ needs: { ...needs, gpuNames: ['RTX 3090'] } })!, /RTX 4090 is not in the list/);
    assert.match(because({ needs: { ...needs, hosting: 'datacenter' } })!, /datacenter/);
    assert.equal(because({ benched: () => 'struck twice' }), 'struck twice');
    assert.match(because({ placed: [{ machineId: 'm-a', hostId: 'h-a' }] })!, /already ours/);
    assert.equal(because({}), undefined);
  });

  it('takes the cheaper of two that are alike, the faster of two that cost the same', () => {
    assert.equal(best([anOffer({ id: 'a' }), anOffer({ id: 'b', pricePerHour: usdMicros(390_000) })]), 'b');
    assert.equal(best([anOffer({ id: 'a' }), anOffer({ id: 'b', memoryBandwidthGbS: 1792 })]), 'b');
    // Price by speed, not price alone.
    assert.equal(
      best([
        anOffer({ id: 'cheap', pricePerHour: usdMicros(300_000), memoryBandwidthGbS: 500 }),
        anOffer({ id: 'fast' }),
      ]),
      'fast',
    );
  });

  it('weighs traffic, failed starts, losses and slow downloads', () => {
    const plain = anOffer({ id: 'plain', pricePerHour: usdMicros(400_020) });
    const worse: readonly Offer[] = [
      anOffer({ id: 'w', downUsdPerGb: 0.05, upUsdPerGb: 0.05 }),
      anOffer({ id: 'w', reliability: 0.97 }),
      anOffer({ id: 'w', downloadMbps: 210 }),
    ];
    for (const offer of worse) assert.equal(best([offer, plain]), 'plain');
    const failing = knowing({ 'm-w': record({ startsBad: 3 }) });
    assert.equal(best([anOffer({ id: 'w' }), plain], { history: failing }), 'plain');
    const dying = knowing({ 'm-w': record({ losses: 3, servedHours: 5 }) });
    assert.equal(best([anOffer({ id: 'w' }), plain], { history: dying }), 'plain');
  });

  it('believes a measured speed before the bandwidth', () => {
    const history = knowing({ 'm-b': record({ tokensPerS: 200 }) });
    assert.equal(scoreOffer(anOffer({ id: 'b' }), { ...context, history }).tokensPerS, 200);
    const prior = scoreOffer(anOffer({ id: 'b' }), context).tokensPerS;
    assert.ok(prior > 350 && prior < 400, `${prior}`);
  });

  it('prefers a fast start when somebody waits for it', () => {
    const offers = [
      anOffer({ id: 'slow', pricePerHour: usdMicros(380_000), downloadMbps: 250 }),
      anOffer({ id: 'fast', downloadMbps: 2000 }),
    ];
    assert.equal(best(offers), 'slow');
    assert.equal(best(offers, { urgency: 'urgent' }), 'fast');
  });

  it('tries a machine that nobody knows before one that is a little worse than average', () => {
    const history = knowing({ 'm-known': record({ startsGood: 90, startsBad: 10 }) });
    assert.equal(best([anOffer({ id: 'known' }), anOffer({ id: 'new' })], { history }), 'new');
    assert.equal(
      best([anOffer({ id: 'known' }), anOffer({ id: 'new' })], {
        history,
        weights: { ...offerWeightDefaults, exploration: -1 },
      }),
      'known',
    );
  });

  it('spreads a fleet over hosts: no host has more than half, no machine is taken twice', () => {
    const offers = Array.from({ length: 12 }, (_, i) =>
      anOffer({
        id: `${i}`,
        machineId: `m${i >> 1}`,
        hostId: i < 8 ? 'big' : `h${i}`,
        pricePerHour: usdMicros(i < 8 ? 200_000 : 400_000),
      }),
    );
    const picked = pickOffers(offers, context, 6).map(({ offer }) => offer);
    assert.equal(picked.length, 5, 'the four small offers are two machines');
    assert.equal(picked.filter(({ hostId }) => hostId === 'big').length, 3);
    assert.equal(new Set(picked.map(({ machineId }) => machineId)).size, 5);
  });

  it('gives one order for one set of offers, and a score that rises with price and falls with speed', () => {
    const anyOffer = fc.record({
      id: fc.uuid(),
      pricePerHour: fc.integer({ min: 100_000, max: 700_000 }).map(usdMicros),
      memoryBandwidthGbS: fc.integer({ min: 300, max: 2000 }),
      downloadMbps: fc.integer({ min: 200, max: 5000 }),
      reliability: fc.double({ min: 0.97, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.uniqueArray(anyOffer, { selector: ({ id }) => id, maxLength: 12 }), (fields) => {
        const offers = fields.map(anOffer);
        const order = (list: readonly Offer[]) => rankOffers(list, context).ranked.map(({ offer }) => offer.id);
        assert.deepEqual(order(offers.toReversed()), order(offers));
        for (const offer of offers) {
          const score = (more: Partial<Offer>) => scoreOffer({ ...offer, ...more }, context).usdPerMillionTokens;
          assert.ok(score({}) > 0 && Number.isFinite(score({})));
          assert.ok(score({ pricePerHour: usdMicros(offer.pricePerHour + 1000) }) > score({}));
          assert.ok(score({ memoryBandwidthGbS: offer.memoryBandwidthGbS + 10 }) < score({}));
        }
      }),
    );
  });

  it('benches a machine for longer with each strike, a week at most', () => {
    assert.deepEqual([0, 1, 2, 3, 4, 9].map(benchHours), [0, 1, 4, 16, 64, 168]);
  });
});
