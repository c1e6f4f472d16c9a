/** API key → tenant. Keys are known by their SHA-256 only. */
import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../core/errors.ts';
import { localTenant, tenantId, type TenantId } from '../core/ids.ts';

export interface KeyRecord {
  readonly sha256: string;
  readonly tenant: string;
}

/** @returns the asker's tenant. @throws unauthorized. With no keys configured everyone is `local`, whatever key they send: SDKs insist on one. */
export type Authenticate = (headers: IncomingHttpHeaders) => TenantId;

export function createAuthenticate(keys: readonly KeyRecord[]): Authenticate {
  if (keys.length === 0) return () => localTenant;
  // Looked up by digest: a timing difference in a Map of hashes tells nothing about a key.
  const tenants = new Map(keys.map((key) => [key.sha256, tenantId(key.tenant)]));
  return (headers) => {
    const key = sentKey(headers);
    if (key === undefined) {
      throw new AppError('unauthorized', 'no API key was sent; send `Authorization: Bearer KEY` or `x-api-key: KEY`');
    }
    const tenant = tenants.get(hash('sha256', key, 'hex'));
    if (tenant === undefined)
      throw new AppError('unauthorized', 'this API key is not known here; check it or ask the operator for one');
    return tenant;
  };
}

function sentKey(headers: IncomingHttpHeaders): string | undefined {
  const bearer = headers.authorization;
  if (bearer !== undefined && /^bearer /i.test(bearer)) return bearer.slice(7).trim();
  const key = headers['x-api-key'];
  return typeof key === 'string' ? key : undefined;
}
