/** Searches in the market's words, and offers in ours. */
import { usdMicros } from '../../../core/units.ts';
import { offerId, type Offer, type OfferQuery } from '../../fleet-provider.ts';
import { offerSchema, type WireOffer } from './wire.ts';

export interface OfferRules {
  /** Hosts that the market has checked, or any. */
  readonly hosts: 'verified' | 'any';
  /** Only machines in data centres: their hosts are companies with a contract. */
  readonly datacenterOnly: boolean;
  /** Two letters each; empty = anywhere. */
  readonly countries: readonly string[];
}

const usdPerMicro = 1e-6;
/** The published port and the one that the image exposes. */
const directPortsMin = 2;
const hoursPerMonth = 730;

export function encodeQuery(query: OfferQuery, rules: OfferRules): object {
  return {
    ...(rules.hosts === 'verified' && { verified: { eq: true } }),
    external: { eq: false },
    rentable: { eq: true },
    rented: { eq: false },
    num_gpus: { eq: 1 },
    ...(query.gpuNames.length > 0 && { gpu_name: { in: query.gpuNames } }),
    gpu_ram: { gte: query.vramMibMin },
    dph_total: { lte: query.pricePerHourMax * usdPerMicro },
    reliability: { gte: query.reliabilityMin },
    inet_down: { gte: query.downloadMbpsMin },
    disk_space: { gte: query.diskGb },
    cuda_max_good: { gte: query.cudaMin },
    duration: { gte: query.durationSMin },
    direct_port_count: { gte: directPortsMin },
    ...(rules.datacenterOnly && { datacenter: { eq: true } }),
    ...(rules.countries.length > 0 && { geolocation: { in: rules.countries } }),
    order: [['dph_total', 'asc']],
    type: 'on-demand',
    limit: query.limit,
    allocated_storage: query.diskGb,
  };
}

/** Rows that are not understood, or are not what was asked for, are left out: the market has ignored filters before. */
export function decodeOffers(rows: readonly unknown[], query: OfferQuery, rules: OfferRules, nowS: number): Offer[] {
  const offers: Offer[] = [];
  for (const row of rows) {
    const parsed = offerSchema.safeParse(row);
    const offer = parsed.success && !parsed.data.rented ? decodeOffer(parsed.data, query.diskGb, nowS) : undefined;
    if (offer !== undefined && fits(offer, query, rules)) offers.push(offer);
  }
  return offers.slice(0, query.limit);
}

function decodeOffer(row: WireOffer, diskGb: number, nowS: number): Offer | undefined {
  const { machine_id: machineId, dph_total: usdPerHour } = row;
  // Without these two an offer can be neither judged nor benched.
  if (machineId === undefined || usdPerHour === undefined || usdPerHour <= 0) return undefined;
  const storage = row.storage_total_cost ?? ((row.storage_cost ?? 0) * diskGb) / hoursPerMonth;
  return {
    id: offerId(row.id),
    machineId,
    hostId: row.host_id ?? '',
    gpuName: row.gpu_name ?? '',
    gpuCount: row.num_gpus ?? 1,
    vramMib: row.gpu_ram ?? 0,
    memoryBandwidthGbS: row.gpu_mem_bw ?? 0,
    pricePerHour: usdMicros(usdPerHour / usdPerMicro),
    storagePerHour: usdMicros(storage / usdPerMicro),
    downUsdPerGb: row.inet_down_cost ?? 0,
    upUsdPerGb: row.inet_up_cost ?? 0,
    downloadMbps: row.inet_down ?? 0,
    uploadMbps: row.inet_up ?? 0,
    diskGb: row.disk_space ?? 0,
    diskMbS: row.disk_bw ?? 0,
    reliability: row.reliability2 ?? row.reliability ?? 0,
    directPorts: row.direct_port_count ?? 0,
    cudaMax: row.cuda_max_good ?? 0,
    durationS: row.duration ?? (row.end_date === undefined ? 0 : Math.max(0, row.end_date - nowS)),
    country: countryOf(row.geolocation),
    verified: row.verification === 'verified' || row.vericode === 1 || row.verified,
    datacenter: row.hosting_type === 1,
  };
}

/** `California, US`, `US`, or a place without a country. */
function countryOf(place: string | undefined): string {
  return /(?:^|[\s,])([A-Z]{2})\s*$/.exec(place ?? '')?.[1] ?? '';
}

function fits(offer: Offer, query: OfferQuery, rules: OfferRules): boolean {
  return (
    (query.gpuNames.length === 0 || query.gpuNames.includes(offer.gpuName)) &&
    offer.gpuCount === 1 &&
    offer.vramMib >= query.vramMibMin &&
    offer.pricePerHour <= query.pricePerHourMax &&
    offer.reliability >= query.reliabilityMin &&
    offer.downloadMbps >= query.downloadMbpsMin &&
    offer.diskGb >= query.diskGb &&
    offer.cudaMax >= query.cudaMin &&
    offer.durationS >= query.durationSMin &&
    offer.directPorts >= directPortsMin &&
    (rules.hosts === 'any' || offer.verified) &&
    (!rules.datacenterOnly || offer.datacenter) &&
    (rules.countries.length === 0 || rules.countries.includes(offer.country))
  );
}
