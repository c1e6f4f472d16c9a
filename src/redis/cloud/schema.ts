/** What is read of the answers of Redis Cloud, and what is asked of it; everything else in them is ignored. */
import { z } from 'zod';

const planSchema = z.object({
  id: z.number(),
  name: z.string(),
  size: z.number(),
  sizeMeasurementUnit: z.enum(['MB', 'GB']),
  provider: z.string(),
  region: z.string(),
  price: z.number(),
  priceCurrency: z.string(),
  pricePeriod: z.string(),
  maximumThroughput: z.number().nullish(),
  availability: z.string().nullish(),
  connections: z.string().nullish(),
  supportReplication: z.boolean().nullish(),
  supportDataPersistence: z.boolean().nullish(),
  /** Absent in some answers: then it is known from the price, as only free plans have no TLS. */
  supportSsl: z.boolean().nullish(),
});
export type CloudPlan = Readonly<z.infer<typeof planSchema>>;
export const plansSchema = z.object({ plans: z.array(planSchema) });

const paymentMethodSchema = z.object({ id: z.number(), type: z.string(), creditCardEndsWith: z.number().nullish() });
export type PaymentMethod = Readonly<z.infer<typeof paymentMethodSchema>>;
export const paymentMethodsSchema = z.object({ paymentMethods: z.array(paymentMethodSchema) });

const subscriptionSchema = z.object({
  id: z.number(),
  name: z.string(),
  status: z.string(),
  planId: z.number().nullish(),
});
export type Subscription = Readonly<z.infer<typeof subscriptionSchema>>;
export const subscriptionsSchema = z.object({ subscriptions: z.array(subscriptionSchema) });

export const databaseSchema = z.object({
  databaseId: z.number(),
  name: z.string(),
  status: z.string(),
  publicEndpoint: z.string().optional(),
  dataEvictionPolicy: z.string().nullish(),
  security: z.object({ enableTls: z.boolean().nullish(), password: z.string().nullish() }).nullish(),
});
export type CloudDatabase = Readonly<z.infer<typeof databaseSchema>>;

export const taskSchema = z.object({
  taskId: z.string(),
  status: z.string(),
  response: z
    .object({
      resourceId: z
        .number()
        .nullish()
        .transform((id) => id ?? undefined),
      resource: z.unknown().optional(),
      error: z.object({ description: z.string().nullish() }).nullish(),
    })
    .nullish(),
});

const costLineSchema = z.object({
  type: z.string(),
  quantity: z.number(),
  quantityMeasurement: z.string(),
  pricePerUnit: z.number(),
  priceCurrency: z.string(),
  pricePeriod: z.string(),
});
export type CostLine = Readonly<z.infer<typeof costLineSchema>>;
export const pricingSchema = z.object({ pricing: z.array(costLineSchema) });

/** As the API spells it. */
export interface DatabaseWish {
  readonly name: string;
  readonly protocol: 'redis';
  readonly enableTls: boolean;
  readonly replication: boolean;
  /** Entries always have a TTL, so what is least used goes first when memory is short. */
  readonly dataEvictionPolicy: 'volatile-lru' | 'noeviction';
  readonly dataPersistence: 'none' | 'aof-every-1-second';
  readonly password?: string;
  readonly sourceIps?: readonly string[];
}

export interface ProWish {
  readonly name: string;
  readonly paymentMethodId: number;
  readonly cloudProviders: readonly {
    readonly provider: string;
    readonly regions: readonly { readonly region: string; readonly networking: { readonly deploymentCIDR: string } }[];
  }[];
  readonly databases: readonly (DatabaseWish & {
    readonly datasetSizeInGb: number;
    readonly throughputMeasurement: { readonly by: 'operations-per-second'; readonly value: number };
    readonly modules: readonly { readonly name: string }[];
  })[];
}

/** Dollars in a month of 730 hours. */
export function monthlyUsd(lines: readonly CostLine[]): number {
  return lines.reduce(
    (sum, { quantity, pricePerUnit, pricePeriod }) =>
      sum + quantity * pricePerUnit * (pricePeriod.toLowerCase().startsWith('hour') ? 730 : 1),
    0,
  );
}

export function planBytes({ size, sizeMeasurementUnit }: CloudPlan): number {
  return size * (sizeMeasurementUnit === 'GB' ? 1e9 : 1e6);
}

/** Free plans have none. */
export const planHasTls = (plan: CloudPlan): boolean => plan.supportSsl ?? plan.price > 0;
