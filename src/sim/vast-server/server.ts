/**
 * The market's API over HTTP, true to what its official client sends and reads. It shares no code with our
 * driver, so that it can catch its faults.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { Economy } from '../world/economy.ts';
import { gpuClasses } from '../world/gpu-classes.ts';
import type { Instance } from '../world/instance.ts';
import { readCreate, readLabel } from './create.ts';
import { ApiError, numberOf, parseObject, readBody, sendError, sendJson, sendText, textOf } from './http.ts';
import { instanceRow, listInstances } from './instances.ts';
import { logOf, LogFiles } from './logs.ts';
import { account, charges, gpuMarket } from './money.ts';
import { searchOffers } from './offers.ts';
import { controlRoutes } from './control.ts';
import { RateLimits } from './rate-limits.ts';

export interface VastServerOptions {
  readonly economy: Economy;
  readonly clock: Clock;
  readonly key: string;
  readonly port: number;
  readonly host: string;
  readonly rateLimits: 'on' | 'off';
  readonly control: boolean;
}

export interface VastServer {
  readonly url: string;
  calls(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/** One call, past authentication. */
interface Call {
  readonly search: URLSearchParams;
  readonly body: JsonObject;
  /** Of the path. */
  readonly id: number;
  readonly response: ServerResponse;
}

/** undefined: the connection is broken off without an answer. */
type Handler = (call: Call) => JsonValue | undefined;

/** Searches and the catalogue tell a wrong key by 404, the others by 401. */
const wrongKeyIs404 = new Set(['POST /api/v0/bundles/', 'GET /api/v0/bundles/', 'PUT /api/v0/search/asks/']);
const forEverybody = new Set(['GET /api/v0/gpu_names/unique/']);
/** What a machine may do with the key it was given. */
const machineRoutes = new Set(['PUT /api/v0/instances/:id/', 'GET /api/v0/instances/:id/']);
const badGateway = '<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n';

export async function startVastServer(options: VastServerOptions): Promise<VastServer> {
  const { economy, clock } = options;
  const limits = new RateLimits();
  const logs = new LogFiles(clock);
  const counts = new Map<string, number>();
  let url = '';
  const routes = apiRoutes(economy, logs, () => url);
  const operator = options.control ? controlRoutes(economy) : {};

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url!, 'http://market');
    if (pathname.startsWith('/logs/')) return sendLog(response, logs.read(pathname));
    const command = operator[`${request.method} ${pathname}`];
    if (command) return sendJson(response, 200, command(await readBody(request)));
    const { template, id } = templateOf(pathname);
    const route = `${request.method} ${template}`;
    response.once('close', () => {
      const status = response.headersSent ? response.statusCode : 0;
      const key = `${route} ${status}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    });
    const now = clock.now();
    if (economy.faults.holds('api-down', now)) return sendText(response, 502, badGateway, 'text/html');
    if (economy.faults.holds('rate-limit-storm', now)) return sendText(response, 429, limits.words());
    if (route === 'GET /api/v0/instances/')
      throw new ApiError(410, 'deprecated_endpoint', 'This endpoint is deprecated; use /api/v1/instances/');
    const handler = routes[route];
    if (!handler) throw new ApiError(404, 'not_found', `No such route: ${route}`);
    const caller = forEverybody.has(route) ? 'anybody' : authenticate(request, searchParams, { options, route, id });
    if (options.rateLimits === 'on') {
      const words = limits.refuse(route, caller, clock.monotonicMs());
      if (words !== undefined) return sendText(response, 429, words);
    }
    const answer = handler({ search: searchParams, body: await readBody(request), id, response });
    if (answer === undefined) request.socket.destroy();
    else sendJson(response, 200, answer);
  };

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (error instanceof ApiError) sendError(response, error);
      else sendJson(response, 500, { success: false, error: 'internal', msg: String(error) });
    });
  });
  url = await new Promise<string>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve(`http://${options.host}:${(server.address() as AddressInfo).port}`);
    });
  });
  return {
    url,
    calls: () => Object.fromEntries(counts),
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function sendLog(response: ServerResponse, text: string | undefined): void {
  if (text === undefined) return sendText(response, 403, '<Error><Code>AccessDenied</Code></Error>', 'application/xml');
  sendText(response, 200, text, 'binary/octet-stream');
}

/** `/api/v0/asks/5/` → `/api/v0/asks/:id/`, 5. The slash at the end is optional. */
function templateOf(pathname: string): { template: string; id: number } {
  const path = pathname.endsWith('/') ? pathname : `${pathname}/`;
  const match = /\/(\d+)\/$/.exec(path);
  return match
    ? { template: `${path.slice(0, match.index)}/:id/`, id: Number(match[1]) }
    : { template: path, id: Number.NaN };
}

/** @returns who calls */
function authenticate(
  request: IncomingMessage,
  search: URLSearchParams,
  { options, route, id }: { options: VastServerOptions; route: string; id: number },
): string {
  const header = request.headers.authorization;
  const given = header?.startsWith('Bearer ') ? header.slice('Bearer '.length) : search.get('api_key');
  if (given === null || given === '') throw new ApiError(403, 'auth_error', 'This action requires login.');
  if (sameText(given, options.key)) return 'account';
  const own = Number.isNaN(id) ? undefined : options.economy.find(id);
  if (own !== undefined && machineRoutes.has(route) && sameText(given, own.rental.apiKey)) return `machine ${id}`;
  throw new ApiError(wrongKeyIs404.has(route) ? 404 : 401, 'auth_error', 'Invalid user key');
}

function sameText(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function apiRoutes(economy: Economy, logs: LogFiles, url: () => string): Readonly<Record<string, Handler>> {
  const found = (id: number): Instance => {
    const instance = economy.find(id);
    if (instance === undefined) throw new ApiError(404, 'no_such_instance', `Instance ${id} not found`);
    return instance;
  };
  const destroy = (instance: Instance): void => {
    if (!economy.faults.takes('destroy-ignored')) instance.destroy();
  };
  const change = (instance: Instance, body: JsonObject): void => {
    const { state, label } = body;
    if (state === undefined && label === undefined) throw new ApiError(400, 'invalid_args', 'state or label expected');
    if (label !== undefined) instance.label = readLabel(label);
    if (state === 'stopped') {
      if (!economy.faults.takes('stop-ignored')) instance.stop('stopped');
    } else if (state === 'running') {
      if (!economy.faults.takes('start-ignored')) instance.resume();
    } else if (state !== undefined) throw new ApiError(400, 'invalid_args', `Invalid state ${JSON.stringify(state)}`);
  };
  return {
    'POST /api/v0/bundles/': ({ body }) => searchOffers(economy, body),
    'GET /api/v0/bundles/': ({ search }) => searchOffers(economy, parseObject(search.get('q') ?? '{}')),
    'PUT /api/v0/search/asks/': ({ body }) => searchOffers(economy, (body['q'] ?? {}) as JsonObject),
    'GET /api/v0/gpu_names/unique/': () => ({ gpu_names: gpuClasses.map(({ name }) => name) }),
    'GET /api/v0/metrics/gpu/current/': ({ search }) => gpuMarket(economy, search),
    'PUT /api/v0/asks/:id/': ({ id, body }) => {
      const request = readCreate(body);
      if (economy.balanceUsd <= 0) throw new ApiError(400, 'missing_billing', 'Your account lacks credit');
      const instance = economy.rent(id, request);
      if (instance === undefined)
        throw body['cancel_unavail'] === true && id % 2 === 0
          ? new ApiError(410, 'no_such_ask', `Offer ${id} is no longer available`)
          : new ApiError(404, 'no_such_ask', `Offer ${id} not found`);
      if (economy.faults.takes('create-unanswered')) return undefined;
      return { success: true, new_contract: instance.rental.id, instance_api_key: instance.rental.apiKey, ask_id: id };
    },
    'PUT /api/v0/launch_instance/': ({ body }) => {
      const { offers } = searchOffers(economy, (body['q'] ?? {}) as JsonObject) as { offers: readonly JsonObject[] };
      for (const { id } of offers) {
        const instance = economy.rent(id as number, readCreate(body));
        if (instance !== undefined)
          return {
            success: true,
            new_contract: instance.rental.id,
            instance_api_key: instance.rental.apiKey,
            ask_id: id!,
          };
      }
      throw new ApiError(404, 'no_such_ask', 'No offers match');
    },
    'GET /api/v1/instances/': ({ search }) => listInstances(economy, search),
    'GET /api/v0/instances/:id/': ({ id }) => {
      const instance = economy.find(id);
      return { instances: instance === undefined ? null : instanceRow(economy, instance) };
    },
    'PUT /api/v0/instances/:id/': ({ id, body }) => {
      change(found(id), body);
      return { success: true };
    },
    'PUT /api/v0/instances/': ({ body }) => {
      const instances = idsOf(body['ids'] ?? body['instance_ids']).map(found);
      for (const instance of instances) change(instance, body);
      return { success: true };
    },
    'DELETE /api/v0/instances/:id/': ({ id }) => {
      destroy(found(id));
      return { success: true, msg: `Instance ${id} destroyed` };
    },
    'DELETE /api/v0/instances/': ({ body }) => {
      for (const instance of idsOf(body['instance_ids']).map(found)) destroy(instance);
      return { success: true, msg: 'Instances destroyed' };
    },
    'PUT /api/v0/instances/reboot/:id/': ({ id }) => {
      found(id).reboot();
      return { success: true };
    },
    'PUT /api/v0/instances/recycle/:id/': ({ id }) => {
      found(id).reboot();
      return { success: true };
    },
    'PUT /api/v0/instances/bid_price/:id/': ({ id, body }) => {
      const price = numberOf(body['price']);
      const instance = found(id);
      if (price === undefined || price <= 0 || price > 32 || instance.bid === undefined)
        throw new ApiError(400, 'invalid_price', 'Invalid bid price');
      instance.settle();
      instance.bid = price;
      return { success: true };
    },
    'PUT /api/v0/instances/request_logs/:id/': ({ id, body }) => {
      const tail = numberOf(body['tail']) ?? 1_000;
      return { success: true, result_url: `${url()}${logs.write(logOf(found(id), tail))}` };
    },
    'PUT /api/v0/instances/command/:id/': ({ id, body }) => {
      const command = textOf(body['command']) ?? '';
      if (command.length > 512 || !/^(ls|rm|du)\b/.test(command))
        throw new ApiError(400, 'invalid_args', 'Only ls, rm and du are allowed');
      found(id);
      return { success: true, writeable_path: '/', result_url: `${url()}${logs.write('')}` };
    },
    'GET /api/v0/users/current/': () => account(economy),
    'GET /api/v0/charges/': ({ search }) => charges(economy, search),
  };
}

function idsOf(value: JsonValue | undefined): number[] {
  const ids = Array.isArray(value) ? (value as readonly JsonValue[]).map((id) => numberOf(id)) : [];
  if (ids.length === 0 || ids.includes(undefined)) throw new ApiError(400, 'invalid_args', 'ids expected');
  return ids as number[];
}
