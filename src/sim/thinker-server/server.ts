/**
 * A simulated thinker: a program that plays an Ollama server over real HTTP, with believable timing
 * and with faults on demand. It shares no code with our clients, so that it can catch their bugs.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../../core/clock.ts';
import { seededRandom } from '../../core/random.ts';
import type { JsonObject } from '../../core/json.ts';
import { addMs } from '../../core/units.ts';
import { thinkerProfile, type ThinkerProfile, type ThinkerProfileName } from '../profiles.ts';
import { isAllowedHost, isAllowedOrigin } from './access.ts';
import { stringOf } from './ask.ts';
import { faultTable, parseFault } from './faults.ts';
import type { CancelNotice } from './generation.ts';
import type { Wits } from './answer.ts';
import { HttpError, parseBody, readBody, sendError, sendJson, sendText } from './http.ts';
import { Inference, type InferenceStats } from './inference.ts';
import { Management } from './management.ts';
import {
  defaultModels,
  ModelShelf,
  psRow,
  storedModel,
  tagsRow,
  type SimulatedModel,
  type StoredModel,
} from './models.ts';
import { Runner, type RunnerStats } from './runner.ts';
import { readScript, Scripts, type Script } from './script.ts';

export interface SimulatedThinkerOptions {
  /** `instant` when absent. */
  readonly profile?: ThinkerProfileName | ThinkerProfile;
  readonly models?: readonly SimulatedModel[];
  /** Jitter, and sampling at temperature > 0 without a seed. 1 when absent. */
  readonly seed?: number;
  /** Model names of the fault table work and are listed. true when absent. */
  readonly faults?: boolean;
  /** Serves `/__sim/…`. false when absent: a control surface is no part of the contract. */
  readonly control?: boolean;
  /** Answers at a time per model (OLLAMA_NUM_PARALLEL); the profile's when absent. */
  readonly slots?: number;
  /** Requests that wait (OLLAMA_MAX_QUEUE), 512 when absent. */
  readonly maxQueue?: number;
  /** Models resident at a time (OLLAMA_MAX_LOADED_MODELS), 3 when absent. */
  readonly maxLoadedModels?: number;
  /** Residency after the last request, when the request does not say: Ollama's 5 minutes when absent. */
  readonly keepAliveMs?: number;
  readonly cancelNotice?: CancelNotice;
  /** Share of a loaded model that lies on the GPU, 1 when absent; 0 = it runs on the CPU. */
  readonly vramShare?: number;
  /** `garbled`: what it says is noise, as with a broken GPU or another model under the name. `sound` when absent. */
  readonly wits?: Wits;
  /** Requests kept for `requests()`, 0 when absent: bodies of a benchmark must not pile up. */
  readonly keptRequestsMax?: number;
  readonly version?: string;
  readonly clock?: Clock;
}

export interface SimulatedThinkerStats extends InferenceStats, RunnerStats {
  /** By path; all paths outside the contract count as `other`. */
  readonly requests: Readonly<Record<string, number>>;
  readonly connectionsOpen: number;
  readonly connectionsOpened: number;
  /** Of the models it holds. */
  readonly vramBytes: number;
}

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: JsonObject;
}

export interface SimulatedThinker {
  /** Port 0 picks a free one; host is 127.0.0.1 when absent. @returns the URL. */
  listen(port?: number, host?: string): Promise<string>;
  /** @throws Error before `listen`. */
  readonly url: string;
  stats(): SimulatedThinkerStats;
  /** The last requests with a JSON body, oldest first; see `keptRequestsMax`. */
  requests(): readonly RecordedRequest[];
  /** The model's next responses, byte by byte. */
  script(script: Script): void;
  /** One request of a server of the caller's, which has its own port and its own rules. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** As after a pull. */
  addModel(model: SimulatedModel): void;
  /** Lets responses waiting at a `hold` step go on. @returns how many did. */
  release(hold: string): number;
  /** Statistics, scripts, once-faults, residency and blobs; models pulled or deleted stay so. */
  reset(): void;
  /** Closes every connection, also those with an answer under way. */
  close(): Promise<void>;
}

type Handler = (body: JsonObject, response: ServerResponse) => void;

export function createSimulatedThinker(options: SimulatedThinkerOptions = {}): SimulatedThinker {
  const clock = options.clock ?? systemClock;
  const random = seededRandom(options.seed ?? 1);
  const profile = thinkerProfile(options.profile ?? 'instant');
  const faults = options.faults ?? true;
  const started = new Date(clock.now()).toISOString();
  const version = options.version ?? '0.13.0-simulated';
  const shelf = new ModelShelf(
    (options.models ?? defaultModels).map((model, i) =>
      // A day apart, in the order given: tags come newest first.
      storedModel(model, new Date(addMs(clock.now(), -i * 86_400_000)).toISOString()),
    ),
  );
  const faultModels = faults ? faultTable.map(({ example }) => faultModel(example, started)) : [];
  const findModel = (name: string): StoredModel | undefined => {
    const stored = shelf.get(name);
    const fault = stored === undefined && faults ? parseFault(name)?.fault : undefined;
    return fault && !(fault.kind === 'status' && fault.status === 404) ? faultModel(name, started) : stored;
  };
  const runner = new Runner({
    clock,
    slots: options.slots ?? profile.slots,
    coldLoadMs: profile.coldLoadMs,
    maxQueue: options.maxQueue ?? 512,
    maxLoadedModels: options.maxLoadedModels ?? 3,
    keepAliveMs: options.keepAliveMs ?? 300_000,
  });
  const scripts = new Scripts(clock);
  const cancelNotice = options.cancelNotice ?? 'at-token';
  const vramShare = options.vramShare ?? 1;
  const wits = options.wits ?? 'sound';
  const inference = new Inference({ clock, random, profile, cancelNotice, wits, runner, scripts, faults, findModel });
  const management = new Management({ clock, shelf, runner, stepMs: profile.instant ? 0 : 120, findModel });

  const residentRows = () => runner.residents().map(({ model, ...rest }) => psRow(model, { ...rest, vramShare }));

  const get: Record<string, (response: ServerResponse) => void> = {
    '/': (response) => sendText(response, 200, 'Ollama is running'),
    '/api/version': (response) => sendJson(response, 200, { version }),
    '/api/status': (response) => sendJson(response, 200, { cloud: { disabled: true, source: 'simulated' } }),
    '/api/tags': (response) => sendJson(response, 200, { models: [...shelf.list(), ...faultModels].map(tagsRow) }),
    '/api/ps': (response) =>
      sendJson(response, 200, {
        models: residentRows(),
      }),
  };
  const post: Record<string, Handler> = {
    '/api/chat': (body, response) => inference.answer('chat', body, response),
    '/api/generate': (body, response) => inference.answer('generate', body, response),
    '/api/embed': (body, response) => inference.embed(body, response),
    '/api/embeddings': (body, response) => inference.embeddings(body, response),
    '/api/show': (body, response) => sendJson(response, 200, management.show(body)),
    '/api/pull': (body, response) => management.pull(body, response),
    '/api/push': (body, response) => management.push(body, response),
    '/api/create': (body, response) => management.create(body, response),
    '/api/copy': (body, response) => management.copy(body, response),
  };
  const drop: Record<string, Handler> = { '/api/delete': (body, response) => management.delete(body, response) };
  const withoutBody: Record<string, (response: ServerResponse) => void> = {
    '/api/me': (response) =>
      sendError(response, new HttpError(401, 'unauthorized', { signin_url: 'https://ollama.com/connect' })),
    '/api/signout': (response) => sendError(response, new HttpError(401, 'unauthorized')),
  };

  const requestCounts = new Map<string, number>();
  const kept: RecordedRequest[] = [];
  const keptMax = options.keptRequestsMax ?? 0;
  let connectionsOpened = 0;
  let connectionsOpen = 0;
  let url: string | undefined;
  let loopback = true;

  const stats = (): SimulatedThinkerStats => ({
    ...inference.stats,
    ...runner.stats(),
    requests: Object.fromEntries(requestCounts),
    connectionsOpen,
    connectionsOpened,
    vramBytes: residentRows().reduce((sum, row) => sum + Number(row['size_vram']), 0),
  });

  const reset = (): void => {
    inference.abortAll();
    inference.reset();
    runner.reset();
    scripts.reset();
    management.reset();
    requestCounts.clear();
    kept.length = 0;
  };

  const control: Record<string, Handler> = {
    '/__sim/reset': (_, response) => {
      reset();
      sendJson(response, 200, {});
    },
    '/__sim/script': (body, response) => {
      scripts.add(readScript(body));
      sendJson(response, 200, {});
    },
    '/__sim/release': (body, response) =>
      sendJson(response, 200, { released: scripts.release(stringOf(body, 'hold')) }),
  };
  if (options.control) {
    get['/__sim/stats'] = (response) => sendJson(response, 200, stats() as unknown as JsonObject);
    get['/__sim/requests'] = (response) => sendJson(response, 200, { requests: kept as unknown as JsonObject[] });
    get['/__sim/faults'] = (response) =>
      sendJson(response, 200, { faults: faultTable.map(({ example, what }) => ({ model: example, what })) });
    Object.assign(post, control);
  }

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const target = request.url!;
    const query = target.indexOf('?');
    const path = query === -1 ? target : target.slice(0, query);
    const known = path in get || path in post || path in drop || path in withoutBody;
    const counted = known ? path : path.startsWith('/api/blobs/') ? '/api/blobs' : 'other';
    requestCounts.set(counted, (requestCounts.get(counted) ?? 0) + 1);
    if (loopback && !isAllowedHost(request.headers.host)) {
      response.writeHead(403, { 'content-length': 0 }).end();
      return;
    }
    if (request.headers.origin !== undefined && !allowOrigin(request, response)) return;
    const method = request.method!;
    const reader = method === 'GET' || method === 'HEAD' ? get[path] : undefined;
    if (reader) return reader(response);
    if (method === 'POST' && withoutBody[path]) return withoutBody[path](response);
    if (path.startsWith('/api/blobs/') && (method === 'POST' || method === 'HEAD')) {
      return guarded(response, () => management.blob(path.slice('/api/blobs/'.length), request, response));
    }
    const handler = method === 'POST' ? post[path] : method === 'DELETE' ? drop[path] : undefined;
    if (!handler) {
      if (!known) return sendText(response, 404, '404 page not found');
      response.setHeader('allow', path in post || path in withoutBody ? 'POST' : path in drop ? 'DELETE' : 'GET, HEAD');
      return sendText(response, 405, '405 method not allowed');
    }
    readBody(request, (raw) =>
      guarded(response, () => {
        if (raw instanceof HttpError) throw raw;
        const body = path === '/__sim/reset' && raw.length === 0 ? {} : parseBody(raw);
        if (keptMax > 0) {
          if (kept.length >= keptMax) kept.shift();
          kept.push({ method, path, headers: request.headers, body });
        }
        handler(body, response);
      }),
    );
  };

  // Go's server, which Ollama is, sets no limits of time on a request or an idle connection.
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0, noDelay: true }, handle);
  server.on('connection', (socket) => {
    connectionsOpened++;
    connectionsOpen++;
    socket.on('close', () => connectionsOpen--);
  });

  return {
    listen: (port = 0, host = '127.0.0.1') =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          const address = server.address() as AddressInfo;
          loopback = address.address === '127.0.0.1' || address.address === '::1';
          const shown = address.address.includes(':') ? `[${address.address}]` : address.address;
          url = `http://${shown}:${address.port}`;
          resolve(url);
        });
      }),
    get url() {
      if (url === undefined) throw new Error('the simulated thinker does not listen yet; await listen() first');
      return url;
    },
    stats,
    requests: () => [...kept],
    script: (script) => scripts.add(script),
    handle,
    addModel: (model) => shelf.put(storedModel(model, new Date(clock.now()).toISOString())),
    release: (hold) => scripts.release(hold),
    reset,
    close: () =>
      new Promise((resolve, reject) => {
        inference.abortAll();
        runner.reset();
        scripts.reset();
        if (!server.listening) return resolve();
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function guarded(response: ServerResponse, run: () => void): void {
  try {
    run();
  } catch (error) {
    if (error instanceof HttpError) return sendError(response, error);
    sendJson(response, 500, { error: error instanceof Error ? error.message : String(error) });
  }
}

/** CORS as Ollama has it: pages on this machine and desktop apps may call, other origins get a bare 403. */
function allowOrigin(request: IncomingMessage, response: ServerResponse): boolean {
  const origin = request.headers.origin!;
  const allowed = origin === `http://${request.headers.host}` || isAllowedOrigin(origin);
  if (!allowed) {
    response.writeHead(403, { 'content-length': 0 }).end();
    return false;
  }
  response.setHeader('access-control-allow-origin', origin);
  if (request.method !== 'OPTIONS') return true;
  response
    .writeHead(204, {
      'access-control-allow-methods': 'GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS',
      'access-control-allow-headers': 'Authorization,Content-Type,User-Agent,Accept,X-Requested-With',
      'access-control-max-age': '43200',
    })
    .end();
  return false;
}

const faultModel = (name: string, modifiedAt: string): StoredModel =>
  storedModel({ name, capabilities: ['completion', 'tools'], family: 'fault' }, modifiedAt);
