/**
 * The management API of Redis Cloud: plans, subscriptions, databases. What is asked for is done by tasks, which are
 * looked at until they end. Requests that create are never repeated by themselves: a second one would cost money twice.
 */
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import {
  databaseSchema,
  paymentMethodsSchema,
  plansSchema,
  pricingSchema,
  subscriptionsSchema,
  taskSchema,
} from './schema.ts';
import type {
  CloudDatabase,
  CloudPlan,
  CostLine,
  DatabaseWish,
  PaymentMethod,
  ProWish,
  Subscription,
} from './schema.ts';

export const redisCloudUrl = 'https://api.redislabs.com/v1';

export interface RedisCloudDeps {
  readonly baseUrl?: string | undefined;
  readonly apiKey: string;
  readonly secretKey: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  /** Told while a task runs. */
  readonly onWaiting?: (what: string, status: string) => void;
}

export interface RedisCloudApi {
  plans(provider: string | undefined, signal: AbortSignal): Promise<readonly CloudPlan[]>;
  paymentMethods(signal: AbortSignal): Promise<readonly PaymentMethod[]>;
  subscriptions(kind: SubscriptionKind, signal: AbortSignal): Promise<readonly Subscription[]>;
  /** @returns its id, when it is there. @throws provider_unavailable: it may have been created | provider_refused */
  createSubscription(
    wish: { readonly name: string; readonly planId: number; readonly paymentMethodId: number | undefined },
    signal: AbortSignal,
  ): Promise<number>;
  /** What a Pro subscription would cost; creates nothing. */
  estimatePro(wish: ProWish, signal: AbortSignal): Promise<readonly CostLine[]>;
  /** With its database. @returns the id of the subscription */
  createPro(wish: ProWish, signal: AbortSignal): Promise<number>;
  databases(place: SubscriptionPlace, signal: AbortSignal): Promise<readonly CloudDatabase[]>;
  /** @returns its id. */
  createDatabase(place: SubscriptionPlace, wish: DatabaseWish, signal: AbortSignal): Promise<number>;
  /** Waits until it can be connected to. */
  activeDatabase(place: SubscriptionPlace, databaseId: number, signal: AbortSignal): Promise<CloudDatabase>;
  /** PEM of the authority that signs its certificate. */
  certificate(place: SubscriptionPlace, databaseId: number, signal: AbortSignal): Promise<string>;
}

export type SubscriptionKind = 'essentials' | 'pro';

export interface SubscriptionPlace {
  readonly kind: SubscriptionKind;
  readonly id: number;
}

/** Of one request. Its answers come within a second; a task is another matter. */
const requestTimeoutMs = 30_000;
/** Of refusals for being too many (429), and of reads that failed. */
const triesMax = 6;
const retryAfterMsFirst = 1_000;
const retryAfterMsMax = 30_000;
const pollEveryMs = 2_000;
/** A database takes minutes; a task that runs longer than this has been forgotten. */
const taskWithinMs = 30 * 60_000;

export function createRedisCloudApi(deps: RedisCloudDeps): RedisCloudApi {
  const { clock } = deps;
  const baseUrl = (deps.baseUrl ?? redisCloudUrl).replace(/\/$/, '');

  return {
    async plans(provider, signal) {
      const query = provider === undefined ? '' : `?provider=${encodeURIComponent(provider)}`;
      return (await get(`/fixed/plans${query}`, plansSchema, signal)).plans;
    },
    paymentMethods: async (signal) => (await get('/payment-methods', paymentMethodsSchema, signal)).paymentMethods,
    subscriptions: async (kind, signal) => (await get(root(kind), subscriptionsSchema, signal)).subscriptions,

    createSubscription: async (wish, signal) =>
      resourceOf(await run('the subscription', root('essentials'), wish, signal)),
    async estimatePro(wish, signal) {
      const done = await run('the estimate', root('pro'), { ...wish, dryRun: true }, signal);
      return checked(pricingSchema, done.response?.resource, 'the estimate').pricing;
    },
    createPro: async (wish, signal) => resourceOf(await run('the subscription', root('pro'), wish, signal)),

    async databases(place, signal) {
      const listed = await get(`${pathOf(place)}/databases`, listedSchema, signal);
      const [first] = Array.isArray(listed.subscription) ? listed.subscription : [listed.subscription];
      return first?.databases ?? [];
    },
    createDatabase: async (place, wish, signal) =>
      resourceOf(await run('the database', `${pathOf(place)}/databases`, wish, signal)),
    async activeDatabase(place, databaseId, signal) {
      const untilMs = clock.monotonicMs() + taskWithinMs;
      for (;;) {
        const database = await get(`${pathOf(place)}/databases/${databaseId}`, databaseSchema, signal);
        if (database.status === 'active' && database.publicEndpoint !== undefined) return database;
        if (clock.monotonicMs() > untilMs) throw forgotten(`database ${databaseId} is still ${database.status}`);
        deps.onWaiting?.('the database', database.status);
        await clock.sleep(pollEveryMs, signal);
      }
    },
    async certificate(place, databaseId, signal) {
      const path = `${pathOf(place)}/databases/${databaseId}/certificate`;
      return (await get(path, z.object({ publicCertificatePEMString: z.string() }), signal)).publicCertificatePEMString;
    },
  };

  async function get<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return checked(schema, await request('GET', path, undefined, signal), path);
  }

  /** Begins a task and waits for its end. */
  async function run(
    what: string,
    path: string,
    body: object,
    signal: AbortSignal,
  ): Promise<z.infer<typeof taskSchema>> {
    const begun = checked(taskSchema, await request('POST', path, body, signal), path);
    const untilMs = clock.monotonicMs() + taskWithinMs;
    for (;;) {
      const task = await get(`/tasks/${begun.taskId}`, taskSchema, signal);
      if (task.status === 'processing-completed') return task;
      if (task.status === 'processing-error') {
        const why = task.response?.error?.description ?? 'no reason given';
        throw new AppError('provider_refused', `Redis Cloud could not make ${what}: ${why} (task ${begun.taskId})`);
      }
      if (clock.monotonicMs() > untilMs) throw forgotten(`task ${begun.taskId} is still ${task.status}`);
      deps.onWaiting?.(what, task.status);
      await clock.sleep(pollEveryMs, signal);
    }
  }

  async function request(
    method: 'GET' | 'POST',
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      const failure = await attemptOnce(method, path, body, signal);
      if (failure.kind === 'answered') return failure.value;
      if (attempt === triesMax || !failure.again) throw failure.error;
      const backoffMs = Math.min(retryAfterMsMax, failure.afterMs ?? retryAfterMsFirst * 2 ** (attempt - 1));
      deps.onWaiting?.('Redis Cloud', failure.error.message);
      await clock.sleep(backoffMs, signal);
    }
  }

  async function attemptOnce(
    method: 'GET' | 'POST',
    path: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<Attempt> {
    let response: Response;
    let text: string;
    try {
      response = await deps.fetch(`${baseUrl}${path}`, {
        method,
        headers: {
          'x-api-key': deps.apiKey,
          'x-api-secret-key': deps.secretKey,
          accept: 'application/json',
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
      });
      text = await response.text();
    } catch (error) {
      signal.throwIfAborted();
      const unknown = method === 'POST' ? '; it may have been taken: look at the console before another try' : '';
      const why = `Redis Cloud does not answer ${method} ${path}: ${causeOf(error)}${unknown}`;
      return {
        kind: 'failed',
        again: method === 'GET',
        error: new AppError('provider_unavailable', why, { cause: error }),
      };
    }
    if (response.ok) return { kind: 'answered', value: text === '' ? {} : parsed(text, path) };
    const said = messageOf(text);
    if (response.status === 429) {
      const afterS = Number(response.headers.get('retry-after'));
      return {
        kind: 'failed',
        again: true,
        ...(afterS > 0 && { afterMs: afterS * 1_000 }),
        error: new AppError('provider_unavailable', 'Redis Cloud is asked too often (429)'),
      };
    }
    if (response.status >= 500) {
      const error = new AppError(
        'provider_unavailable',
        `Redis Cloud answers ${response.status} to ${method} ${path}: ${said}`,
      );
      return { kind: 'failed', again: method === 'GET', error };
    }
    const remedy =
      response.status === 401 || response.status === 403
        ? '; check REDIS_CLOUD_API_KEY and REDIS_CLOUD_API_SECRET_KEY, and that the API is enabled for your address'
        : '';
    const why = `Redis Cloud refuses ${method} ${path} (${response.status}): ${said}${remedy}`;
    return { kind: 'failed', again: false, error: new AppError('provider_refused', why) };
  }
}

type Attempt =
  | { readonly kind: 'answered'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly again: boolean; readonly afterMs?: number; readonly error: AppError };

const listedSchema = z.object({
  subscription: z.union([
    z.object({ databases: z.array(databaseSchema) }),
    z.array(z.object({ databases: z.array(databaseSchema) })),
  ]),
});

const root = (kind: SubscriptionKind): string => (kind === 'essentials' ? '/fixed/subscriptions' : '/subscriptions');
const pathOf = ({ kind, id }: SubscriptionPlace): string => `${root(kind)}/${id}`;
const forgotten = (why: string): AppError =>
  new AppError('provider_unavailable', `${why} after ${taskWithinMs / 60_000} min; look at the console of Redis Cloud`);

function resourceOf({ taskId, response }: z.infer<typeof taskSchema>): number {
  if (response?.resourceId !== undefined) return response.resourceId;
  throw new AppError('provider_unavailable', `task ${taskId} of Redis Cloud ended and names nothing that it made`);
}

function checked<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const what = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
  throw new AppError('provider_unavailable', `Redis Cloud answers ${where} in a form that is not known (${what})`);
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new AppError(
      'provider_unavailable',
      `Redis Cloud answers ${path} with what is no JSON: ${text.slice(0, 120)}`,
    );
  }
}

function messageOf(text: string): string {
  try {
    const { message, description, error } = JSON.parse(text) as Record<string, unknown>;
    const said = message ?? description ?? error;
    if (typeof said === 'string') return said;
  } catch {
    // Not every refusal of a proxy in between is JSON.
  }
  return text.trim().slice(0, 200) || 'no reason given';
}

/** fetch says only that it failed; why is in its cause. */
function causeOf(error: unknown): string {
  const { cause, message } = error as {
    readonly cause?: { readonly message?: string; readonly code?: string };
    readonly message: string;
  };
  return cause?.code ?? cause?.message ?? message;
}
