/** Fixed plans as the API lists them; sizes and prices as published in 2025, one region each of two providers. */

export interface SimulatedPlan {
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly sizeMeasurementUnit: 'MB' | 'GB';
  readonly provider: 'AWS' | 'GCP';
  readonly region: string;
  readonly regionId: number;
  readonly price: number;
  readonly priceCurrency: 'USD';
  readonly pricePeriod: 'Month';
  readonly maximumDatabases: number;
  readonly maximumThroughput: number;
  readonly maximumBandwidthGB: number;
  readonly availability: 'No replication' | 'Single-zone' | 'Multi-zone';
  readonly connections: string;
  readonly cidrAllowRules: number;
  readonly supportDataPersistence: boolean;
  readonly supportInstantAndDailyBackups: boolean;
  readonly supportReplication: boolean;
  readonly supportClustering: boolean;
  readonly supportSsl: boolean;
  readonly customerSupport: string;
}

const sizes = [
  { size: 30, unit: 'MB', price: 0, throughput: 100, bandwidth: 5, connections: '30', replicated: false },
  { size: 250, unit: 'MB', price: 5, throughput: 1_000, bandwidth: 100, connections: '256', replicated: false },
  { size: 1, unit: 'GB', price: 23, throughput: 2_000, bandwidth: 200, connections: '1024', replicated: true },
  { size: 5, unit: 'GB', price: 100, throughput: 8_000, bandwidth: 1_000, connections: '5000', replicated: true },
  { size: 12, unit: 'GB', price: 240, throughput: 16_000, bandwidth: 2_400, connections: '10000', replicated: true },
] as const;

const places = [
  { provider: 'AWS', region: 'us-east-1', regionId: 1 },
  { provider: 'AWS', region: 'eu-west-1', regionId: 4 },
  { provider: 'GCP', region: 'europe-west1', regionId: 9 },
] as const;

export const simulatedPlans: readonly SimulatedPlan[] = places.flatMap((place, at) =>
  sizes.map(({ size, unit, price, throughput, bandwidth, connections, replicated }, row) => ({
    id: 34_850 + at * 10 + row,
    name: replicated ? `Single-Zone_${size}${unit}` : `${size}${unit}`,
    size,
    sizeMeasurementUnit: unit,
    ...place,
    price,
    priceCurrency: 'USD',
    pricePeriod: 'Month',
    maximumDatabases: 1,
    maximumThroughput: throughput,
    maximumBandwidthGB: bandwidth,
    availability: replicated ? 'Single-zone' : 'No replication',
    connections,
    cidrAllowRules: price === 0 ? 1 : 8,
    supportDataPersistence: price > 5,
    supportInstantAndDailyBackups: price > 0,
    supportReplication: replicated,
    supportClustering: false,
    supportSsl: price > 0,
    customerSupport: 'Standard',
  })),
);
