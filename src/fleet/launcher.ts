/** From a wish for machines to rentals: offers, the budget's word, the intent on disk, and only then the create. */
import type { CallOptions } from '../core/chat.ts';
import { toAppError } from '../core/errors.ts';
import { addMs, usdMicros, type EpochMs, type UsdMicros } from '../core/units.ts';
import type { Bench } from './bench.ts';
import { mayRent } from './budget.ts';
import { labelPrefix, type FleetDeps } from './fleet-deps.ts';
import type { FleetState } from './fleet-state.ts';
import type { Rental } from './intent-store.ts';
import { newMeter } from './meter.ts';
import type { Offer } from './fleet-provider.ts';
import { pickOffers, rankOffers, type OfferContext, type RankedOffers, type ScoredOffer } from './offers.ts';
import { hostHistoryOf } from './host-history-of.ts';
import type { Spend } from './spend.ts';

export interface LaunchOrder {
  readonly count: number;
  readonly urgency: 'normal' | 'urgent';
  readonly reason: string;
}

/** Offers asked for in one search. */
const offersMax = 200;
/** The price of the next machine is looked up this often. */
const priceEveryMs = 120_000;
/** After the market has refused us (key, credit), it is left alone for this long. */
const refusedPauseMs = 600_000;
/** Offers tried for one machine: somebody else may have taken those before. */
const triesMax = 4;

export class Launcher {
  readonly #deps: FleetDeps;
  readonly #state: FleetState;
  readonly #bench: Bench;
  readonly #spend: Spend;
  #price: { readonly at: EpochMs; readonly perHour: UsdMicros | undefined } | undefined;
  #refused: { readonly until: EpochMs; readonly reason: string } | undefined;

  constructor(parts: {
    readonly deps: FleetDeps;
    readonly state: FleetState;
    readonly bench: Bench;
    readonly spend: Spend;
  }) {
    this.#deps = parts.deps;
    this.#state = parts.state;
    this.#bench = parts.bench;
    this.#spend = parts.spend;
  }

  /** Why the market is not asked for machines now; undefined when it may be. */
  get refusal(): string | undefined {
    return this.#refused && this.#refused.until > this.#deps.clock.now() ? this.#refused.reason : undefined;
  }

  /** Of the best offer, as far as known. */
  get nextPrice(): UsdMicros | undefined {
    return this.#price?.perHour;
  }

  /** @throws provider_unavailable | provider_refused */
  async offers(urgency: 'normal' | 'urgent', options: CallOptions): Promise<RankedOffers> {
    const offers = await this.#search(options);
    return rankOffers(offers, this.#context(urgency));
  }

  /** Keeps the price of the next machine fresh, for the budget's arithmetic. */
  async lookUpPrice(options: CallOptions): Promise<void> {
    const now = this.#deps.clock.now();
    if (this.refusal !== undefined || (this.#price && now - this.#price.at < priceEveryMs)) return;
    await this.#search(options).catch((error: unknown) => {
      this.#price = { at: now, perHour: this.#price?.perHour };
      this.#deps.logger.debug({ reason: toAppError(error).message }, 'offers are not known');
    });
  }

  /** @returns how many were asked for; what became of each is in their rows */
  async launch(order: LaunchOrder, options: CallOptions): Promise<number> {
    if (this.refusal !== undefined) return 0;
    let left: readonly Offer[];
    try {
      left = await this.#search(options);
    } catch (error) {
      this.#noteRefusal(error);
      return 0;
    }
    let asked = 0;
    for (let tries = 0; asked < order.count && tries < order.count * triesMax; tries++) {
      const why = this.#isCapped();
      if (why !== undefined) {
        this.#deps.logger.warn({ reason: why }, 'no further machine is rented now');
        break;
      }
      const [pick] = pickOffers(left, this.#context(order.urgency), 1);
      if (!pick) {
        this.#deps.logger.warn({ offers: left.length, reason: this.#whyNone(left) }, 'no offer can be taken');
        break;
      }
      left = left.filter(({ id }) => id !== pick.offer.id);
      const taken = await this.#rentOne(pick, order, options);
      if (taken === 'stop') break;
      if (taken === 'asked') asked += 1;
    }
    return asked;
  }

  /** A stopped machine, from its disk. Its phase is on disk before the market is asked, which the parker does. @returns whether it will be */
  async restart({ label, pricePerHour, storagePerHour }: Rental, reason: string): Promise<boolean> {
    const { clock, store, logger, options: fleet } = this.#deps;
    if (this.refusal !== undefined) return false;
    const hourAgo = addMs(clock.now(), -3_600_000);
    const lately = store.alive().flatMap(({ restarts = [] }) => restarts.filter(({ at }) => at > hourAgo));
    if (lately.length >= fleet.restartsPerHourMax) {
      logger.warn({ label, restarts: lately.length }, 'no further stopped machine is started now');
      return false;
    }
    const spend = await this.#spend.soFar(clock.now());
    const verdict = mayRent({
      policy: fleet.budget,
      spend,
      // Its disk is paid for already.
      pricePerHour: usdMicros(pricePerHour - storagePerHour),
      launchCost: usdMicros(0),
      now: clock.now(),
    });
    if (verdict.kind === 'refused') {
      logger.warn({ label, bound: verdict.bound, reason: verdict.reason }, 'the budget refuses a machine');
      return false;
    }
    if (this.#state.get(label)?.phase !== 'stopped') return false;
    this.#state.move(label, 'restarting', reason);
    return true;
  }

  async #rentOne(
    { offer, tokensPerS, readyInS }: ScoredOffer,
    order: LaunchOrder,
    options: CallOptions,
  ): Promise<'asked' | 'gone' | 'stop'> {
    const { clock, random, provider, logger, options: fleet } = this.#deps;
    const spend = await this.#spend.soFar(clock.now());
    const verdict = mayRent({
      policy: fleet.budget,
      spend,
      pricePerHour: offer.pricePerHour,
      launchCost: usdMicros(fleet.startDownloadGb * offer.downUsdPerGb * 1e6),
      now: clock.now(),
    });
    if (verdict.kind === 'refused') {
      logger.warn({ bound: verdict.bound, reason: verdict.reason }, 'the budget refuses a machine');
      return 'stop';
    }
    const label = `${labelPrefix(fleet.name)}${random.id(22)}`;
    const { spec, secrets } = await this.#deps.prepare(label);
    const now = clock.now();
    this.#state.add(intentOf(offer, { label, secrets, now, reason: order.reason }));
    logger.info(
      {
        label,
        offer: offer.id,
        gpu: offer.gpuName,
        usdPerHour: offer.pricePerHour / 1e6,
        tokensPerS: Math.round(tokensPerS),
        readyInS: Math.round(readyInS),
        urgency: order.urgency,
        reason: order.reason,
      },
      'fleet rents a machine',
    );
    try {
      const instanceId = await provider.rent(offer.id, spec, options);
      this.#state.move(label, 'creating', 'the market has confirmed it', { instanceId });
      return 'asked';
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'offer_gone') {
        this.#state.move(label, 'gone', 'somebody else has taken the offer', { outcome: 'cancelled' });
        return 'gone';
      }
      if (error.code === 'provider_refused') {
        this.#state.move(label, 'gone', error.message, { outcome: 'cancelled' });
        this.#noteRefusal(error);
        return 'stop';
      }
      // It may have been rented: the next lists will show it by its label, or not.
      this.#state.note(label, 'unanswered', error.message);
      logger.warn({ label, reason: error.message }, 'a create was not answered; the list will tell');
      return 'stop';
    }
  }

  async #search(options: CallOptions): Promise<readonly Offer[]> {
    const { provider, clock, options: fleet, metrics } = this.#deps;
    const { needs } = fleet;
    const offers = await provider.searchOffers(
      {
        gpuNames: needs.gpuNames,
        vramMibMin: needs.vramMibMin,
        pricePerHourMax: needs.pricePerHourMax,
        reliabilityMin: needs.reliabilityMin,
        downloadMbpsMin: needs.downloadMbpsMin,
        diskGb: needs.diskGb,
        cudaMin: needs.cudaMin,
        durationSMin: needs.durationSMin,
        limit: offersMax,
      },
      options,
    );
    this.#refused = undefined;
    const { ranked } = rankOffers(offers, this.#context('normal'));
    this.#price = { at: clock.now(), perHour: ranked[0]?.offer.pricePerHour };
    for (const [gpu, group] of Map.groupBy(ranked, ({ offer }) => offer.gpuName)) {
      const prices = group.map(({ offer }) => offer.pricePerHour / 1e6).sort((a, b) => a - b);
      metrics.offerPrice.set({ gpu, stat: 'min' }, prices[0]!);
      metrics.offerPrice.set({ gpu, stat: 'p50' }, prices[Math.floor(prices.length / 2)]!);
    }
    return offers;
  }

  #context(urgency: OfferContext['urgency']): OfferContext {
    const { options, store, clock } = this.#deps;
    return {
      needs: options.needs,
      history: hostHistoryOf(store, clock.now()),
      benched: (offer) => this.#bench.reasonAgainst(offer),
      placed: this.#state.all().map(({ machineId, hostId }) => ({ machineId, hostId })),
      workload: options.workload,
      urgency,
      weights: options.weights,
    };
  }

  /** Bounds outside of the law: whatever it wants, a fault of it must not rent without end. */
  #isCapped(): string | undefined {
    const { store, clock, options } = this.#deps;
    const now = clock.now();
    const lastHour = store.since(addMs(now, -3_600_000));
    if (lastHour.length >= options.createsPerHourMax) return `${lastHour.length} creates in the last hour`;
    const lastMinute = lastHour.filter(({ createdAt }) => createdAt > now - 60_000).length;
    return lastMinute >= options.createsPerMinuteMax ? `${lastMinute} creates in the last minute` : undefined;
  }

  #noteRefusal(thrown: unknown): void {
    const error = toAppError(thrown);
    const { clock, logger, onEvent } = this.#deps;
    if (error.code !== 'provider_refused') return logger.warn({ reason: error.message }, 'offers are not known');
    this.#refused = { until: addMs(clock.now(), refusedPauseMs), reason: error.message };
    logger.error({ reason: error.message }, 'the market refuses us; an operator must act');
    onEvent?.({ kind: 'provider-refused', reason: error.message });
  }

  #whyNone(offers: readonly Offer[]): string {
    if (offers.length === 0)
      return 'the market has no offer that meets `fleet.vast`; widen gpuNames or raise the price';
    const { rejected } = rankOffers(offers, this.#context('normal'));
    const counts = new Map<string, number>();
    for (const { reason } of rejected) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const [first] = [...counts].sort((a, b) => b[1] - a[1]);
    return first ? `${first[1]} of ${offers.length} offers: ${first[0]}` : 'every host holds half of the fleet already';
  }
}

function intentOf(
  offer: Offer,
  { label, secrets, now, reason }: { label: string; secrets: string; now: EpochMs; reason: string },
): Rental {
  return {
    label,
    offerId: offer.id,
    instanceId: undefined,
    machineId: offer.machineId,
    hostId: offer.hostId,
    gpuName: offer.gpuName,
    country: offer.country,
    pricePerHour: offer.pricePerHour,
    storagePerHour: offer.storagePerHour,
    downUsdPerGb: offer.downUsdPerGb,
    upUsdPerGb: offer.upUsdPerGb,
    tokensPerS: undefined,
    phase: 'requested',
    phaseAt: now,
    reason,
    createdAt: now,
    readyAt: undefined,
    endedAt: undefined,
    endReason: undefined,
    outcome: 'pending',
    secrets,
    meter: newMeter(now),
    settledAt: undefined,
  };
}
