/** Databases of the simulated API, and what a Pro subscription would cost. */

/** Of any POST: only what is read of it. */
export interface DatabaseBody {
  readonly name?: string;
  readonly planId?: number;
  readonly paymentMethodId?: number;
  readonly dryRun?: boolean;
  readonly databases?: readonly DatabaseBody[];
  readonly enableTls?: boolean;
  readonly replication?: boolean;
  readonly dataEvictionPolicy?: string;
  readonly dataPersistence?: string;
  readonly datasetSizeInGb?: number;
  readonly modules?: readonly { readonly name: string }[];
  readonly queryPerformanceFactor?: string;
}

export interface SimulatedDatabase {
  readonly databaseId: number;
  readonly subscriptionId: number;
  readonly name: string;
  readonly status: 'active';
  readonly publicEndpoint: string;
  readonly replication: boolean;
  readonly dataEvictionPolicy: string;
  readonly dataPersistence: string;
  readonly modules: readonly { readonly name: string }[];
  readonly security: { readonly enableTls: boolean; readonly password: string };
}

export function readDatabase(
  body: DatabaseBody,
  given: { readonly databaseId: number; readonly subscriptionId: number; readonly endpoint: string },
): SimulatedDatabase {
  return {
    databaseId: given.databaseId,
    subscriptionId: given.subscriptionId,
    name: body.name ?? 'database',
    status: 'active',
    publicEndpoint: given.endpoint,
    replication: body.replication ?? false,
    dataEvictionPolicy: body.dataEvictionPolicy ?? 'volatile-lru',
    dataPersistence: body.dataPersistence ?? 'none',
    modules: body.modules ?? [],
    security: { enableTls: body.enableTls ?? false, password: `simulated-${given.databaseId}` },
  };
}

/** One shard of 25 GB holds half of it where there is a replica; at 0.308 USD an hour, the size of an example of the API's own pages. */
export function proEstimate({ datasetSizeInGb = 1, replication = false }: DatabaseBody): readonly object[] {
  const shards = Math.ceil(datasetSizeInGb / 25) * (replication ? 2 : 1);
  return [
    {
      type: 'Shards',
      quantity: shards,
      quantityMeasurement: 'shards',
      pricePerUnit: 0.308,
      priceCurrency: 'USD',
      pricePeriod: 'hour',
    },
  ];
}
