/**
 * From nothing to a database with TLS, one confirmed step after another. It can be run again: what is there under the
 * same name is used and not made twice, so that a broken run costs nothing but its repetition.
 */
import { AppError } from '../../core/errors.ts';
import { entryBytes } from '../choose-backend.ts';
import type { RedisCloudApi, SubscriptionPlace } from './api.ts';
import { monthlyUsd, planBytes, planHasTls, type CloudPlan, type DatabaseWish, type ProWish } from './schema.ts';

export interface ProvisionWish {
  /** Of subscription and database; also how they are found again. */
  readonly name: string;
  readonly provider: string;
  readonly region: string;
  readonly size:
    | { readonly kind: 'essentials'; readonly bytes: number }
    | { readonly kind: 'pro'; readonly gib: number; readonly opsPerSecond: number };
  readonly replication: boolean;
  readonly persistence: DatabaseWish['dataPersistence'];
  /** Addresses that may connect; undefined: all. */
  readonly sourceIps: readonly string[] | undefined;
  readonly paymentMethodId: number | undefined;
}

export type ProvisionStep =
  | { readonly kind: 'subscription'; readonly what: string; readonly monthlyUsd: number }
  | { readonly kind: 'database'; readonly what: string; readonly monthlyUsd: 0 };

export interface ProvisionDeps {
  readonly api: RedisCloudApi;
  /** Before anything that is made; nothing was made yet when the first is refused. */
  readonly confirm: (step: ProvisionStep) => Promise<boolean>;
  readonly say: (line: string) => void;
}

export interface ProvisionPlan {
  readonly steps: readonly ProvisionStep[];
  readonly monthlyUsd: number;
  /** Entries of 800 bytes of answer that fit into it. */
  readonly entries: { readonly log: number; readonly ft: number };
}

export interface Provisioned {
  readonly kind: 'made';
  readonly place: SubscriptionPlace;
  readonly databaseId: number;
  readonly endpoint: string;
  readonly tls: boolean;
  readonly password: string | undefined;
  readonly certificate: string | undefined;
  readonly monthlyUsd: number;
}

export interface Prepared {
  readonly plan: ProvisionPlan;
  readonly chosen:
    | { readonly kind: 'essentials'; readonly plan: CloudPlan; readonly tls: boolean }
    | { readonly kind: 'pro'; readonly wish: ProWish };
  readonly paymentMethodId: number | undefined;
  readonly replication: boolean;
}

/** What would be made and what it would cost. Makes nothing. @throws provider_refused when no plan fits */
export async function planProvision(api: RedisCloudApi, wish: ProvisionWish, signal: AbortSignal): Promise<Prepared> {
  return wish.size.kind === 'essentials'
    ? planEssentials(api, wish, wish.size.bytes, signal)
    : planPro(api, wish, wish.size, signal);
}

/** @returns undefined when a step was not confirmed. */
export async function provision(
  { api, confirm, say }: ProvisionDeps,
  wish: ProvisionWish,
  prepared: Prepared,
  signal: AbortSignal,
): Promise<Provisioned | undefined> {
  const { chosen, plan } = prepared;
  const existing = (await api.subscriptions(chosen.kind, signal)).find(({ name }) => name === wish.name);
  if (existing !== undefined)
    say(`subscription ${existing.id} is already there under the name ${wish.name}; it is used`);
  else if (!(await confirm(plan.steps[0]!))) return undefined;
  const id = existing?.id ?? (await createSubscription());
  if (existing === undefined) say(`subscription ${id} is made`);
  const place: SubscriptionPlace = { kind: chosen.kind, id };

  const there = (await api.databases(place, signal)).find(({ name }) => name === wish.name);
  let databaseId = there?.databaseId;
  if (databaseId !== undefined) say(`database ${databaseId} is there`);
  else {
    const step = plan.steps.find(({ kind }) => kind === 'database') ?? databaseStep(wish, prepared.replication, true);
    if (!(await confirm(step))) {
      say(
        `subscription ${id} stays and costs what its plan says; run this again to go on, or delete it in the console`,
      );
      return undefined;
    }
    databaseId = await api.createDatabase(place, databaseWish(wish, prepared.replication, chosenTls(chosen)), signal);
    say(`database ${databaseId} is made`);
  }
  const database = await api.activeDatabase(place, databaseId, signal);
  const tls = database.security?.enableTls ?? false;
  return {
    kind: 'made',
    place,
    databaseId,
    endpoint: database.publicEndpoint!,
    tls,
    password: database.security?.password ?? undefined,
    certificate: tls ? await api.certificate(place, databaseId, signal) : undefined,
    monthlyUsd: plan.monthlyUsd,
  };

  function createSubscription(): Promise<number> {
    if (chosen.kind === 'pro') return api.createPro(chosen.wish, signal);
    return api.createSubscription(
      { name: wish.name, planId: chosen.plan.id, paymentMethodId: prepared.paymentMethodId },
      signal,
    );
  }
}

async function planEssentials(
  api: RedisCloudApi,
  wish: ProvisionWish,
  bytes: number,
  signal: AbortSignal,
): Promise<Prepared> {
  const all = await api.plans(wish.provider, signal);
  const here = all.filter(({ region }) => region === wish.region);
  if (here.length === 0) {
    const regions = [...new Set(all.map(({ region }) => region))].sort().join(', ');
    throw new AppError(
      'provider_refused',
      `${wish.provider} has no plans in ${wish.region}; its regions: ${regions || 'none'}`,
    );
  }
  const fitting = here
    .filter((plan) => planBytes(plan) >= bytes && (!wish.replication || plan.supportReplication === true))
    .sort((a, b) => a.price - b.price);
  const [plan] = fitting;
  if (plan === undefined) {
    const largest = Math.max(...here.map(planBytes));
    throw new AppError(
      'provider_refused',
      `no plan in ${wish.region} holds ${bytes / 1e6} MB${wish.replication ? ' with a replica' : ''}; the largest holds ${largest / 1e6} MB; use --pro`,
    );
  }
  const tls = planHasTls(plan);
  const paymentMethodId = plan.price === 0 ? undefined : await paymentMethod(api, wish, signal);
  // The size of a plan includes the replica.
  const usable = planBytes(plan) / (wish.replication ? 2 : 1);
  const limits = [`${plan.connections ?? '?'} connections`, `${plan.maximumThroughput ?? '?'} commands/s`].join(', ');
  return {
    plan: {
      steps: [
        {
          kind: 'subscription',
          what: `subscription ${wish.name} with plan ${plan.name} (${plan.size} ${plan.sizeMeasurementUnit}, ${limits}) at ${plan.provider} ${plan.region}`,
          monthlyUsd: plan.price,
        },
        databaseStep(wish, wish.replication, tls),
      ],
      monthlyUsd: plan.price,
      entries: entriesIn(usable),
    },
    chosen: { kind: 'essentials', plan, tls },
    paymentMethodId,
    replication: wish.replication,
  };
}

async function planPro(
  api: RedisCloudApi,
  wish: ProvisionWish,
  size: Extract<ProvisionWish['size'], { kind: 'pro' }>,
  signal: AbortSignal,
): Promise<Prepared> {
  const paymentMethodId = await paymentMethod(api, wish, signal);
  const pro: ProWish = {
    name: wish.name,
    paymentMethodId,
    cloudProviders: [
      {
        provider: wish.provider,
        regions: [{ region: wish.region, networking: { deploymentCIDR: '192.168.32.0/24' } }],
      },
    ],
    databases: [
      {
        ...databaseWish(wish, wish.replication, true),
        datasetSizeInGb: size.gib,
        throughputMeasurement: { by: 'operations-per-second', value: size.opsPerSecond },
        modules: [{ name: 'RediSearch' }],
      },
    ],
  };
  const cost = monthlyUsd(await api.estimatePro(pro, signal));
  return {
    plan: {
      // The database comes with the subscription.
      steps: [
        {
          kind: 'subscription',
          what: `Pro subscription ${wish.name} with a database of ${size.gib} GB, ${size.opsPerSecond} commands/s, Query Engine, TLS, at ${wish.provider} ${wish.region}`,
          monthlyUsd: cost,
        },
      ],
      monthlyUsd: cost,
      entries: entriesIn(size.gib * 1e9),
    },
    chosen: { kind: 'pro', wish: pro },
    paymentMethodId,
    replication: wish.replication,
  };
}

async function paymentMethod(api: RedisCloudApi, wish: ProvisionWish, signal: AbortSignal): Promise<number> {
  const known = await api.paymentMethods(signal);
  const wanted = wish.paymentMethodId ?? known[0]?.id;
  if (wanted === undefined) {
    throw new AppError('provider_refused', 'the account has no payment method; add one in the console of Redis Cloud');
  }
  if (known.every(({ id }) => id !== wanted)) {
    const ids = known
      .map(({ id, type, creditCardEndsWith }) => `${id} (${type} …${creditCardEndsWith ?? ''})`)
      .join(', ');
    throw new AppError('provider_refused', `payment method ${wanted} is not of this account; it has ${ids || 'none'}`);
  }
  return wanted;
}

function databaseStep(wish: ProvisionWish, replication: boolean, tls: boolean): ProvisionStep {
  const parts = [
    tls ? 'TLS' : 'NO TLS (this plan has none)',
    replication ? 'one replica' : 'no replica',
    'eviction volatile-lru',
    `persistence ${wish.persistence}`,
  ];
  return { kind: 'database', what: `database ${wish.name}: ${parts.join(', ')}`, monthlyUsd: 0 };
}

const chosenTls = (chosen: Prepared['chosen']): boolean => (chosen.kind === 'pro' ? true : chosen.tls);

function databaseWish(wish: ProvisionWish, replication: boolean, tls: boolean): DatabaseWish {
  return {
    name: wish.name,
    protocol: 'redis',
    enableTls: tls,
    replication,
    dataEvictionPolicy: 'volatile-lru',
    dataPersistence: wish.persistence,
    ...(wish.sourceIps && { sourceIps: wish.sourceIps }),
  };
}

/** A tenth stays free: eviction begins late, and buffers need room. */
function entriesIn(bytes: number): ProvisionPlan['entries'] {
  const room = 0.9 * bytes;
  return { log: Math.floor(room / entryBytes.log), ft: Math.floor(room / entryBytes.ft) };
}
