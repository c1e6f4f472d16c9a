/** Which machine to rent: those that cannot serve are left out with the reason, the rest ordered by what a million useful tokens cost. */
import { chanceOfReady, deathsPerHour, secondsToReady, speedOf } from './offers/estimates.ts';
import type { Offer } from './fleet-provider.ts';
import type { UsdMicros } from '../core/units.ts';
import type { HostHistory } from './offers/host-history.ts';

export interface OfferNeeds {
  readonly vramMibMin: number;
  readonly cudaMin: number;
  readonly directPortsMin: number;
  readonly downloadMbpsMin: number;
  readonly diskGb: number;
  /** In [0, 1]. */
  readonly reliabilityMin: number;
  readonly durationSMin: number;
  readonly pricePerHourMax: UsdMicros;
  /** Empty = any. */
  readonly gpuNames: readonly string[];
  readonly countries: readonly string[];
  readonly verification: 'verified' | 'any';
  /** `datacenter` for those who do not trust a private host with their prompts. */
  readonly hosting: 'datacenter' | 'any';
}

export interface OfferContext {
  readonly needs: OfferNeeds;
  readonly history: HostHistory;
  /** Machines and hosts that are benched now, with the reason; from the reconciler's bench. */
  readonly benched: (offer: Offer) => string | undefined;
  /** Where the fleet already is. */
  readonly placed: readonly { readonly machineId: string; readonly hostId: string }[];
  readonly workload: OfferWorkload;
  /** A start that requests wait for: seconds to ready cost `waitUsdPerS` each. */
  readonly urgency: 'normal' | 'urgent';
  readonly weights: OfferWeights;
}

/** What will be done with the machine. */
export interface OfferWorkload {
  readonly imageGb: number;
  readonly modelGb: number;
  readonly utilisation: number;
  readonly upGbPerHour: number;
  readonly downGbPerHour: number;
  /** How long it is expected to be kept. */
  readonly lifeHours: number;
}

export interface OfferWeights {
  /** What losing a machine in service is worth. */
  readonly lossUsd: number;
  readonly waitUsdPerS: number;
  /** Added to the score of a second machine of one host. */
  readonly sameHost: number;
  /** In standard deviations of the score: how much a machine that nobody knows yet is favoured. */
  readonly exploration: number;
}

export const offerWeightDefaults: OfferWeights = {
  lossUsd: 0.05,
  waitUsdPerS: 0.001,
  sameHost: 0.15,
  exploration: 0.25,
};

export interface ScoredOffer {
  readonly offer: Offer;
  /** $ per million useful tokens; lower is better. */
  readonly usdPerMillionTokens: number;
  /** The score it was ordered by: with neighbours, urgency and exploration. */
  readonly score: number;
  readonly tokensPerS: number;
  readonly readyInS: number;
  readonly chanceOfReady: number;
  readonly deathsPerHour: number;
}

export interface RankedOffers {
  /** Best first; equal scores by id, so that one list gives one order. */
  readonly ranked: readonly ScoredOffer[];
  readonly rejected: readonly { readonly offer: Offer; readonly reason: string }[];
}

export function rankOffers(offers: readonly Offer[], context: OfferContext): RankedOffers {
  const rejected: { offer: Offer; reason: string }[] = [];
  const ranked: ScoredOffer[] = [];
  for (const offer of offers) {
    const reason = reasonAgainst(offer, context);
    if (reason === undefined) ranked.push(scoreOffer(offer, context));
    else rejected.push({ offer, reason });
  }
  ranked.sort((a, b) => a.score - b.score || (a.offer.id < b.offer.id ? -1 : 1));
  return { ranked, rejected };
}

/**
 * The best `count` machines, each chosen with those before it in place: never two offers of one machine, and no
 * host with more than half of the fleet, so that one host's fault is not everybody's. Fewer when the list ends.
 */
export function pickOffers(offers: readonly Offer[], context: OfferContext, count: number): readonly ScoredOffer[] {
  const picked: ScoredOffer[] = [];
  let left = offers;
  while (picked.length < count) {
    const placed = [...context.placed, ...picked.map(({ offer }) => offer)];
    const fleetSize = context.placed.length + count;
    const best = rankOffers(left, { ...context, placed }).ranked.find(
      ({ offer }) => !isHostFull(offer, placed, fleetSize),
    );
    if (best === undefined) break;
    picked.push(best);
    left = left.filter(({ id }) => id !== best.offer.id);
  }
  return picked;
}

function isHostFull(offer: Offer, placed: OfferContext['placed'], fleetSize: number): boolean {
  const there = placed.filter(({ hostId }) => hostId === offer.hostId).length;
  return there >= Math.max(1, Math.ceil(fleetSize / 2));
}

/** Why this offer cannot serve; undefined when it can. What the provider does not say passes, but for a machine's identity. */
export function reasonAgainst(offer: Offer, { needs, benched, placed, workload }: OfferContext): string | undefined {
  const below = (what: string, has: number, min: number, unit: string) =>
    has < min ? `${what} ${has}${unit} < ${min}${unit}` : undefined;
  return (
    (needs.verification === 'verified' && !offer.verified ? 'the host is not verified' : undefined) ??
    (needs.hosting === 'datacenter' && !offer.datacenter ? 'not in a datacenter' : undefined) ??
    (offer.gpuCount === 1 ? undefined : `${offer.gpuCount} GPUs; one is rented at a time`) ??
    (needs.gpuNames.length === 0 || needs.gpuNames.includes(offer.gpuName)
      ? undefined
      : `${offer.gpuName} is not in the list`) ??
    below('GPU memory', offer.vramMib, needs.vramMibMin, ' MiB') ??
    below('CUDA', offer.cudaMax, needs.cudaMin, '') ??
    below('direct ports', offer.directPorts, needs.directPortsMin, '') ??
    below('download', offer.downloadMbps, needs.downloadMbpsMin, ' Mb/s') ??
    below('disk', offer.diskGb, needs.diskGb, ' GB') ??
    below('reliability', offer.reliability, needs.reliabilityMin, '') ??
    below('let out for', Math.floor(offer.durationS / 3600), Math.floor(needs.durationSMin / 3600), ' h') ??
    (needs.countries.length === 0 || needs.countries.includes(offer.country)
      ? undefined
      : `country ${offer.country || 'unknown'} is not in the list`) ??
    (hourlyUsd(offer, workload) * 1e6 > needs.pricePerHourMax
      ? `$${hourlyUsd(offer, workload).toFixed(3)} an hour with traffic > $${(needs.pricePerHourMax / 1e6).toFixed(3)}`
      : undefined) ??
    (placed.some(({ machineId }) => machineId === offer.machineId) ? 'the machine is already ours' : undefined) ??
    benched(offer)
  );
}

/** Deterministic in its arguments. Source: the score of docs/autoscaling.md. */
export function scoreOffer(offer: Offer, context: OfferContext): ScoredOffer {
  const { workload, weights, history } = context;
  const hourly = hourlyUsd(offer, workload);
  const tokensPerS = speedOf(offer, history);
  const { readyInS, billedS } = secondsToReady(offer, workload);
  const ready = chanceOfReady(offer, history);
  const deaths = deathsPerHour(offer, history);
  const loadUsd = (workload.imageGb + workload.modelGb) * offer.downUsdPerGb;
  const startUsd = ((hourly * billedS) / 3600 + loadUsd) / ready.mean;
  const available = 1 / (1 + (deaths * readyInS) / 3600);
  const life = workload.lifeHours;
  const usdOverLife = hourly * life + (1 + deaths * life) * startUsd + deaths * life * weights.lossUsd;
  const millions = (3600 * workload.utilisation * tokensPerS * life * available) / 1e6;
  const usdPerMillionTokens = usdOverLife / millions;
  const neighbours = context.placed.filter(({ hostId }) => hostId === offer.hostId).length;
  const urgent = context.urgency === 'urgent' ? (weights.waitUsdPerS * readyInS) / ready.mean / millions : 0;
  // The chance of a good start is the uncertain part: its spread is the spread of the price of a start.
  const spread = ((1 + deaths * life) * startUsd * ready.sd) / ready.mean / millions;
  return {
    offer,
    usdPerMillionTokens,
    score: usdPerMillionTokens * (1 + weights.sameHost * neighbours) + urgent - weights.exploration * spread,
    tokensPerS,
    readyInS,
    chanceOfReady: ready.mean,
    deathsPerHour: deaths,
  };
}

/** With the traffic of serving. */
function hourlyUsd(offer: Offer, workload: OfferWorkload): number {
  const traffic = workload.upGbPerHour * offer.upUsdPerGb + workload.downGbPerHour * offer.downUsdPerGb;
  return offer.pricePerHour / 1e6 + traffic;
}
