/** Who asks, as far as keys tell. */
import { AppError } from '../core/errors.ts';
import { localTenant, tenantId, type TenantId } from '../core/ids.ts';
import type { KeyGrant, KeyId } from './key-record.ts';

export interface Caller {
  readonly tenant: TenantId;
  /** Whose stored answers it sees; undefined: no stored answer is given or kept. */
  readonly cacheOwner: TenantId | undefined;
  /** undefined where no key was asked for. */
  readonly key: KeyId | undefined;
  /** @throws forbidden when the key may not ask this model */
  checkModel(model: string): void;
  mayAsk(model: string): boolean;
  /** Counts one request, where several gateways count together after a round trip. @throws rate_limited, also later */
  enter(): void | Promise<void>;
  /** After an answer that a thinker made. */
  used(tokens: number, usdMicros: number): void;
  /** Why it may cause no more cost; undefined while it may. Stored answers are given all the same. */
  spent(): AppError | undefined;
}

/** With no keys configured everyone is the same, and free to ask. */
export const localCaller: Caller = {
  tenant: localTenant,
  cacheOwner: localTenant,
  key: undefined,
  checkModel: () => {},
  mayAsk: () => true,
  enter: () => {},
  used: () => {},
  spent: () => undefined,
};

/** No tenant can have this name: tenants are letters, digits, `.`, `_` and `-`. */
const sharedOwner = tenantId('*');

export function cacheOwnerOf(grant: Pick<KeyGrant, 'tenant' | 'cache'>, subject: string): TenantId | undefined {
  switch (grant.cache) {
    case 'tenant':
      return grant.tenant;
    case 'shared':
      return sharedOwner;
    case 'private':
      return tenantId(`${grant.tenant}/${subject}`);
    default:
      return undefined;
  }
}

/** `llama3.2` allows `llama3.2:latest` too; `llama3.2:*` every tag of it. */
export function allowsModel(models: readonly string[], model: string): boolean {
  if (models.length === 0) return true;
  return models.some((allowed) => {
    if (allowed.endsWith('*')) return model.startsWith(allowed.slice(0, -1));
    return withTag(allowed) === withTag(model);
  });
}

const withTag = (model: string): string => (model.includes(':') ? model : `${model}:latest`);

export function modelForbidden(model: string, models: readonly string[]): AppError {
  return new AppError(
    'forbidden',
    `this key may not ask model \`${model.slice(0, 100)}\`; it may ask ${models.join(', ')}`,
    { param: 'model' },
  );
}
