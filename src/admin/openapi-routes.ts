/** Both ports as OpenAPI describes them, with the addresses of this gateway. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { AdminContext } from './admin-deps.ts';
import { sendJson, type Exchange } from './http.ts';

/** The same from src/, from dist/ and in an installed package. */
const folder = join(import.meta.dirname, '../../docs/reference');
const ports = ['operator', 'gateway'] as const;

export async function showOpenApi(exchange: Exchange, { facts }: AdminContext): Promise<void> {
  const asked = exchange.query.get('port') ?? 'operator';
  const port = ports.find((each) => each === asked);
  if (port === undefined) throw new AppError('bad_request', `port is \`${asked}\`; expected operator or gateway`);
  // Whoever reads this knows how to reach the operator port; by which name they reach the other, we do not know.
  const servers = [{ url: port === 'operator' ? '/' : facts.status().gatewayUrl }];
  sendJson(exchange, { ...(await read(port)), servers });
}

async function read(port: (typeof ports)[number]): Promise<JsonObject> {
  try {
    return JSON.parse(await readFile(join(folder, `openapi-${port}.json`), 'utf8')) as JsonObject;
  } catch (error) {
    throw new AppError('not_implemented', 'docs/reference is not part of this installation; it has the description', {
      cause: error,
    });
  }
}
