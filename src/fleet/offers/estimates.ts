/** What is expected of a machine before it is rented: measurements where we have them, priors where not. */
import type { Offer } from '../fleet-provider.ts';
import type { HostHistory } from './host-history.ts';

/**
 * Decode is bound by reading the weights: bandwidth / size of the weights, times the share of it that is
 * reached in practice. 0.58 comes from 93 tok/s of a 6.25 GB model at 1008 GB/s.
 */
const bandwidthShare = 0.58;
const modelGbOfPrior = 6.25;
/** Speed of a full batch of 8 by that of one answer: 8^(2/3). */
const batchGain = 4;
/** Where not even the bandwidth is known: a 3090 of the middle of the market. */
const bandwidthPriorGbS = 900;

/** Tokens per second of a full batch. */
export function speedOf(offer: Offer, history: HostHistory): number {
  const measured = history.machine(offer.machineId)?.tokensPerS ?? history.gpuTokensPerS(offer.gpuName);
  if (measured !== undefined && measured > 0) return measured;
  const bandwidth = offer.memoryBandwidthGbS > 0 ? offer.memoryBandwidthGbS : bandwidthPriorGbS;
  return ((bandwidthShare * bandwidth) / modelGbOfPrior) * batchGain;
}

/** Container, keys and proxy; weights from disk into the GPU and the checks of readiness. */
const settleS = 45;
const loadS = 25;
/** Registries give no more, whatever the host could take. */
const registryMbps = 2000;
/** Where the disk is not measured. */
const diskPriorMbS = 500;

/** The image comes before GPU time is billed, the model after. */
export function secondsToReady(
  offer: Offer,
  workload: { readonly imageGb: number; readonly modelGb: number },
): { readonly readyInS: number; readonly billedS: number } {
  const perGbS = 8000 / Math.min(Math.max(offer.downloadMbps, 1), registryMbps);
  const diskS = (workload.modelGb * 1000) / (offer.diskMbS > 0 ? offer.diskMbS : diskPriorMbS);
  const billedS = perGbS * workload.modelGb + diskS + loadS;
  return { readyInS: settleS + perGbS * workload.imageGb + billedS, billedS };
}

/** Nine of ten starts go well where nothing is known. */
const prior = { good: 9, bad: 1 };
/** A start on another machine of the same host says this much of this one. */
const hostWeight = 0.5;

/** Mean and spread of the Beta posterior that a start on it ends ready. */
export function chanceOfReady(offer: Offer, history: HostHistory): { readonly mean: number; readonly sd: number } {
  const own = history.machine(offer.machineId);
  const host = history.host(offer.hostId);
  const others = (key: 'startsGood' | 'startsBad') => Math.max(0, (host?.[key] ?? 0) - (own?.[key] ?? 0)) * hostWeight;
  const good = prior.good + (own?.startsGood ?? 0) + others('startsGood');
  const bad = prior.bad + (own?.startsBad ?? 0) + others('startsBad');
  const total = good + bad;
  return { mean: good / total, sd: Math.sqrt((good * bad) / (total * total * (total + 1))) };
}

/** Hours of service that the advertised reliability is worth as evidence. */
const reliabilityHours = 48;

/** Expected losses per hour of service: read from the reliability as a daily survival, then from what happened. */
export function deathsPerHour(offer: Offer, history: HostHistory): number {
  const advertised = -Math.log(Math.min(Math.max(offer.reliability, 0.5), 0.9999)) / 24;
  const own = history.machine(offer.machineId);
  return (advertised * reliabilityHours + (own?.losses ?? 0)) / (reliabilityHours + (own?.servedHours ?? 0));
}
