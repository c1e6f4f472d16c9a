/** Lists and facts of models: the union over all thinkers. */
import { AppError } from '../core/errors.ts';
import { modelName } from '../core/ids.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../core/json.ts';
import type { Router } from '../router/router-types.ts';
import type { ModelInfo, ThinkerPool } from '../thinkers/thinker.ts';
import { encodeAnthropicModel, encodeAnthropicModelList } from './dialects/anthropic/models.ts';
import { encodeModel, encodeModelList } from './dialects/openai/models.ts';
import { json, sendBody, type Exchange } from './exchange.ts';
import type { Route } from './routes.ts';

export interface ServeModelsDeps {
  readonly router: Router;
  readonly pool: ThinkerPool;
}

/** Told to clients that ask before any thinker has answered a probe. */
const unknownVersion = '0.0.0';
/** Marks us to other gateways, so that none takes us for an Ollama and routes in a circle. */
export const gatewayMark = { 'x-selfhost-gateway': '1' } as const;

export async function serveModels(
  { router, pool }: ServeModelsDeps,
  exchange: Exchange,
  route: Extract<Route, { kind: 'models' }>,
  body: JsonValue | undefined,
): Promise<void> {
  const { caller } = exchange;
  const visible = () => pool.models().filter((model) => caller.mayAsk(model.name));
  const send = (value: JsonValue) => sendBody(exchange, 200, json, JSON.stringify(value), gatewayMark);
  switch (route.action) {
    case 'root':
      return sendBody(exchange, 200, 'text/plain; charset=utf-8', 'Ollama is running', gatewayMark);
    case 'version':
      return send({ version: lowestVersion(pool) });
    case 'status':
      return send({ cloud: { disabled: true, source: 'config' } });
    case 'tags':
      return send({ models: visible().map((model) => model.raw) });
    case 'ps':
      return send({ models: pool.loaded().flatMap((model) => (caller.mayAsk(model.name) ? [model.raw] : [])) });
    case 'show': {
      const asked = body === undefined || !isJsonObject(body) ? undefined : (body['model'] ?? body['name']);
      if (typeof asked !== 'string' || asked === '')
        throw new AppError('bad_request', 'model is required', { param: 'model' });
      caller.checkModel(asked);
      const gone = new AbortController();
      exchange.response.once('close', () => gone.abort(new AppError('aborted', 'the client went away')));
      return send(await router.show(modelName(asked), body as JsonObject, { signal: gone.signal }));
    }
    case 'list': {
      const models = visible().map(listed);
      const encode = route.dialect === 'anthropic' ? encodeAnthropicModelList : encodeModelList;
      return sendBody(exchange, 200, json, encode(models), gatewayMark);
    }
    default: {
      const wanted = modelName(route.model ?? '');
      const model = visible().find((candidate) => candidate.name === wanted);
      if (model === undefined)
        throw new AppError('model_not_found', `model '${route.model}' not found`, { param: 'model' });
      const encode = route.dialect === 'anthropic' ? encodeAnthropicModel : encodeModel;
      return sendBody(exchange, 200, json, encode(listed(model)), gatewayMark);
    }
  }
}

function listed(model: ModelInfo): { readonly name: string; readonly modifiedAt: string | undefined } {
  const modifiedAt = model.raw['modified_at'];
  const name = model.raw['name'];
  return {
    name: typeof name === 'string' ? name : model.name,
    modifiedAt: typeof modifiedAt === 'string' ? modifiedAt : undefined,
  };
}

/** Clients switch features on by version: promise only what every thinker can do. */
function lowestVersion(pool: ThinkerPool): string {
  const versions = pool.views().flatMap((view) => (/^\d/.test(view.version) ? [view.version] : []));
  versions.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  return versions[0] ?? unknownVersion;
}
