/**
 * The management API of Redis Cloud, as far as a gateway needs it: plans, payment methods, subscriptions, databases,
 * tasks, certificates. Nothing behind it exists: endpoints it gives out lead nowhere, unless `endpoint` names a server.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { simulatedPlans } from './plans.ts';
import { proEstimate, readDatabase, type DatabaseBody, type SimulatedDatabase } from './resources.ts';
import { SimulatedTasks } from './tasks.ts';

export interface RedisCloudOptions {
  readonly apiKey?: string;
  readonly secretKey?: string;
  /** Looks at a task before it is done: each shows it one step further. */
  readonly pollsPerTask?: number;
  /** Given out as the endpoint of every database, such as a Redis on this machine. */
  readonly endpoint?: string;
  /** PEM, given out as the certificate of every database with TLS. */
  readonly certificate?: string;
}

export interface SimulatedSubscription {
  readonly id: number;
  readonly name: string;
  readonly planId: number | undefined;
  readonly kind: 'essentials' | 'pro';
  status: 'pending' | 'active';
}

export interface RedisCloudServer {
  /** @returns its base URL, to be given to a client instead of the real one. */
  listen(port?: number, host?: string): Promise<string>;
  /** The next requests are answered 429. */
  throttle(requests: number): void;
  /** The next task of this kind ends with an error. */
  failNext(commandType: string, description: string): void;
  /** Method and path of every request that was let in, in order. */
  readonly requests: readonly string[];
  readonly subscriptions: readonly SimulatedSubscription[];
  readonly databases: readonly SimulatedDatabase[];
  close(): Promise<void>;
}

/** A body of this API is some hundred bytes; a longer one is a mistake. */
const bodyBytesMax = 256 * 1024;
const pemOfNobody = '-----BEGIN CERTIFICATE-----\nc2ltdWxhdGVk\n-----END CERTIFICATE-----\n';

class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, description: string) {
    super(description);
    this.status = status;
    this.code = code;
  }
}

export function createRedisCloudServer(options: RedisCloudOptions = {}): RedisCloudServer {
  const { apiKey = 'key', secretKey = 'secret', pollsPerTask = 3, endpoint, certificate = pemOfNobody } = options;
  const subscriptions: SimulatedSubscription[] = [];
  const databases: SimulatedDatabase[] = [];
  const tasks = new SimulatedTasks(pollsPerTask);
  const requests: string[] = [];
  let throttled = 0;
  let nextId = 111_600;
  let baseUrl = '';

  const server = createServer((request, response) => {
    void handle(request).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) => {
        const known = error instanceof ApiError ? error : new ApiError(500, 'INTERNAL', String(error));
        send(response, known.status, {
          timestamp: '2026-01-01T00:00:00.000Z',
          status: known.status,
          error: known.code,
          message: known.message,
          path: request.url ?? '',
        });
      },
    );
  });

  return {
    requests,
    subscriptions,
    databases,
    throttle: (count) => void (throttled = count),
    failNext: (commandType, description) => tasks.failNext(commandType, description),
    listen: (port = 0, host = '127.0.0.1') =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          baseUrl = `http://${host}:${(server.address() as AddressInfo).port}/v1`;
          resolve(baseUrl);
        });
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function handle(request: IncomingMessage): Promise<{ readonly status: number; readonly body: unknown }> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (request.headers['x-api-key'] !== apiKey || request.headers['x-api-secret-key'] !== secretKey) {
      throw new ApiError(401, 'UNAUTHORIZED', 'Unauthorized: check the API key and the secret key');
    }
    if (throttled > 0) {
      throttled -= 1;
      throw new ApiError(429, 'TOO_MANY_REQUESTS', 'Too many requests');
    }
    const path = url.pathname.replace(/^\/v1/, '');
    requests.push(`${request.method} ${path}`);
    const body = request.method === 'POST' ? await readJson(request) : {};
    return route(`${request.method} ${path}`, url.searchParams, body);
  }

  function route(what: string, query: URLSearchParams, body: DatabaseBody): { status: number; body: unknown } {
    const found = (value: unknown) => ({ status: 200, body: value });
    const begun = (value: unknown) => ({ status: 202, body: value });
    if (what === 'GET /fixed/plans') {
      const provider = query.get('provider');
      return found({
        plans: simulatedPlans.filter((plan) => provider === null || plan.provider === provider),
        links: [],
      });
    }
    if (what === 'GET /payment-methods') {
      return found({
        accountId: 1,
        paymentMethods: [{ id: 30_949, type: 'Visa', creditCardEndsWith: 4242 }],
        links: [],
      });
    }
    const task = /^GET \/tasks\/([\w-]+)$/.exec(what);
    if (task !== null) {
      const shown = tasks.look(task[1]!, baseUrl);
      if (shown === undefined) throw new ApiError(404, 'TASK_NOT_FOUND', `Task ${task[1]} was not found`);
      return found(shown);
    }
    const place = /^(GET|POST) (\/fixed)?\/subscriptions(?:\/(\d+))?(\/databases)?(?:\/(\d+))?(\/certificate)?$/.exec(
      what,
    );
    if (place === null) throw new ApiError(404, 'NOT_FOUND', `No such resource: ${what}`);
    const [, method, fixed, subscriptionText, underDatabases, databaseText, underCertificate] = place;
    const kind = fixed === undefined ? 'pro' : 'essentials';
    if (subscriptionText === undefined) {
      if (method === 'GET')
        return found({ accountId: 1, subscriptions: subscriptions.filter((each) => each.kind === kind) });
      return begun(kind === 'essentials' ? createEssentials(body) : createPro(body));
    }
    const subscription = subscriptions.find(({ id, kind: own }) => id === Number(subscriptionText) && own === kind);
    if (subscription === undefined) {
      throw new ApiError(404, 'SUBSCRIPTION_NOT_FOUND', `Subscription ${subscriptionText} was not found`);
    }
    if (underDatabases === undefined) return found(subscription);
    const own = databases.filter(({ subscriptionId }) => subscriptionId === subscription.id);
    if (databaseText === undefined) {
      if (method === 'POST') return begun(createDatabase(subscription, body));
      const listed = { subscriptionId: subscription.id, numberOfDatabases: own.length, databases: own };
      return found({ accountId: 1, subscription: kind === 'pro' ? [listed] : listed, links: [] });
    }
    const database = own.find(({ databaseId }) => databaseId === Number(databaseText));
    if (database === undefined) throw new ApiError(404, 'DATABASE_NOT_FOUND', `Database ${databaseText} was not found`);
    if (underCertificate === undefined) return found(database);
    if (!database.security.enableTls)
      throw new ApiError(400, 'TLS_NOT_ENABLED', 'TLS is not enabled for this database');
    return found({ publicCertificatePEMString: certificate });
  }

  function createEssentials(body: DatabaseBody): unknown {
    const plan = simulatedPlans.find(({ id }) => id === body.planId);
    if (plan === undefined) throw new ApiError(400, 'PLAN_NOT_FOUND', `Plan ${String(body.planId)} was not found`);
    if (plan.price > 0 && body.paymentMethodId !== 30_949) {
      throw new ApiError(400, 'PAYMENT_METHOD_REQUIRED', 'A payment method is required for a paid plan');
    }
    const subscription = addSubscription(body, plan.id, 'essentials');
    return tasks.begin('fixedSubscriptionCreateRequest', () => {
      subscriptions.push(subscription);
      subscription.status = 'active';
      return { resourceId: subscription.id };
    });
  }

  function createPro(body: DatabaseBody): unknown {
    const [wanted] = body.databases ?? [];
    if (wanted === undefined) throw new ApiError(400, 'DATABASES_REQUIRED', 'At least one database is required');
    const estimate = proEstimate(wanted);
    if (body.dryRun === true) {
      return tasks.begin('subscriptionCreateRequest', () => ({ resource: { pricing: estimate } }));
    }
    const subscription = addSubscription(body, undefined, 'pro');
    return tasks.begin('subscriptionCreateRequest', () => {
      subscriptions.push(subscription);
      subscription.status = 'active';
      addDatabase(subscription, wanted);
      return { resourceId: subscription.id };
    });
  }

  function createDatabase(subscription: SimulatedSubscription, body: DatabaseBody): unknown {
    const plan = simulatedPlans.find(({ id }) => id === subscription.planId);
    if (plan !== undefined) {
      if (databases.some(({ subscriptionId }) => subscriptionId === subscription.id)) {
        throw new ApiError(400, 'TOO_MANY_DATABASES', `Plan ${plan.name} holds ${plan.maximumDatabases} database`);
      }
      if (body.enableTls === true && !plan.supportSsl)
        throw new ApiError(400, 'TLS_NOT_SUPPORTED', `Plan ${plan.name} has no TLS`);
      if (body.replication === true && !plan.supportReplication) {
        throw new ApiError(400, 'REPLICATION_NOT_SUPPORTED', `Plan ${plan.name} has no replication`);
      }
    }
    const commandType = plan === undefined ? 'databaseCreateRequest' : 'fixedDatabaseCreateRequest';
    return tasks.begin(commandType, () => {
      const { databaseId } = addDatabase(subscription, body);
      return { resourceId: databaseId, additionalResourceId: subscription.id };
    });
  }

  function addSubscription(
    { name }: DatabaseBody,
    planId: number | undefined,
    kind: SimulatedSubscription['kind'],
  ): SimulatedSubscription {
    if (typeof name !== 'string' || name === '') throw new ApiError(400, 'NAME_REQUIRED', 'A name is required');
    return { id: nextId++, name, planId, kind, status: 'pending' };
  }

  function addDatabase(subscription: SimulatedSubscription, body: DatabaseBody): SimulatedDatabase {
    const id = 51_000_000 + nextId++;
    const host = `redis-${id % 20_000}.c1.${subscription.kind}.sim.invalid:${10_000 + (id % 9_000)}`;
    const database = readDatabase(body, {
      databaseId: id,
      subscriptionId: subscription.id,
      endpoint: endpoint ?? host,
    });
    databases.push(database);
    return database;
  }
}

async function readJson(request: IncomingMessage): Promise<DatabaseBody> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw new ApiError(413, 'TOO_LARGE', `a body of over ${bodyBytesMax} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as DatabaseBody;
  } catch {
    throw new ApiError(400, 'INVALID_REQUEST', 'The body is no JSON');
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', ...(status === 429 && { 'retry-after': '1' }) });
  response.end(JSON.stringify(body));
}
