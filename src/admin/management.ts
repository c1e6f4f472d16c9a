/**
 * Ollama's routes that change a server: the operator's, for the user's own thinkers. Rented ones are set up
 * and thrown away by the fleet, so a change by hand would be lost, or would cost money nobody planned.
 *
 * Errors are Ollama's (`{"error":"…"}`, with our code beside it): its CLI and libraries are the clients here.
 */
import { AppError } from '../core/errors.ts';
import type { ManagementCall, Thinker } from '../thinkers/thinker.ts';
import type { AdminContext } from './admin-deps.ts';
import { readBody, type Exchange } from './http.ts';
import { fanOut } from './management/fan-out.ts';
import { passThrough } from './management/pass-through.ts';

const routes: Readonly<Record<string, ManagementCall['method'][]>> = {
  '/api/pull': ['POST'],
  '/api/push': ['POST'],
  '/api/create': ['POST'],
  '/api/copy': ['POST'],
  '/api/delete': ['DELETE'],
};
const blobMethods: ManagementCall['method'][] = ['HEAD', 'POST'];
const blobPath = /^\/api\/blobs\/sha256[:-][0-9a-f]{64}$/;

/** As the reference lists them. */
export const managementRoutes = [
  ...Object.entries(routes).map(([path, methods]) => ({ path, methods })),
  { path: '/api/blobs/:digest', methods: blobMethods },
];

export const isManagementRoute = (path: string): boolean => path in routes || path.startsWith('/api/blobs/');

export function createManagement(context: AdminContext): (exchange: Exchange) => Promise<void> {
  const { pool, logger, options } = context;

  return async function manage(exchange) {
    const { method, path, query, request } = exchange;
    const isBlob = path.startsWith('/api/blobs/');
    if (isBlob && !blobPath.test(path)) {
      throw new AppError(
        'bad_request',
        `${path.slice('/api/blobs/'.length, 200)} is not a digest; expected sha256: and 64 hex digits`,
      );
    }
    const methods = isBlob ? blobMethods : routes[path]!;
    if (!methods.includes(method as ManagementCall['method'])) {
      throw new AppError('method_not_allowed', `${path} does not take ${method}; it takes ${methods.join(', ')}`);
    }
    if (method !== 'HEAD') exchange.response.once('close', () => context.onModelsChanged?.());
    const targets = chooseThinkers(query.get('thinker') ?? undefined);
    const call: Omit<ManagementCall, 'body'> = {
      method: method as ManagementCall['method'],
      path,
      contentType: request.headers['content-type'],
    };
    logger.info({ path, method, thinkers: targets.map(({ name }) => name) }, 'management call by the operator');
    const [first] = targets;
    if (isBlob) {
      if (targets.length > 1) {
        throw new AppError('bad_request', `a blob goes to one thinker; add ?thinker= with one of ${namesOf(targets)}`);
      }
      return passThrough(exchange, first!, { ...call, body: method === 'HEAD' ? undefined : request });
    }
    const body = await readBody(request, options.managementBodyBytesMax);
    if (targets.length === 1) return passThrough(exchange, first!, { ...call, body });
    await fanOut(exchange, targets, { ...call, body });
  };

  /** @throws AppError bad_request | operator_only | no_thinker_ready */
  function chooseThinkers(name: string | undefined): Thinker[] {
    const views = pool.views();
    const own = views.filter(({ kind }) => kind !== 'rented');
    if (name !== undefined) {
      const view = views.find((each) => each.name === name || each.id === name);
      if (!view) {
        const known = own.length === 0 ? 'there are none' : `known: ${namesOf(own)}`;
        throw new AppError('bad_request', `no thinker is called \`${name.slice(0, 100)}\`; ${known}`);
      }
      if (view.kind === 'rented') throw rentedRefusal(`thinker \`${view.name}\` is`);
      return open([view.id]);
    }
    if (own.length === 0) {
      if (views.length > 0) throw rentedRefusal('all thinkers are');
      throw new AppError(
        'no_thinker_ready',
        'there is no thinker to manage; start Ollama, or list your servers under `thinkers`',
      );
    }
    return open(own.map(({ id }) => id));
  }

  function open(ids: readonly Thinker['id'][]): Thinker[] {
    // A thinker may have been removed between the two calls.
    return ids.flatMap((id) => pool.get(id) ?? []);
  }
}

const rentedRefusal = (who: string) =>
  new AppError(
    'operator_only',
    `${who} rented: models there are chosen by the fleet's configuration, and a change by hand would be lost with the machine`,
  );

const namesOf = (thinkers: readonly { readonly name: string }[]): string => thinkers.map(({ name }) => name).join(', ');
