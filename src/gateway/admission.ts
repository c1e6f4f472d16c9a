/** How many requests are answered at once, in all and per tenant. */
import { AppError } from '../core/errors.ts';
import type { TenantId } from '../core/ids.ts';

export interface AdmissionOptions {
  readonly inFlightMax: number;
  readonly inFlightPerTenantMax: number;
  /** Requests of this tenant that other gateways are answering: its limit is one for all of them. */
  readonly elsewhere?: (tenant: TenantId) => number;
}

export interface Admission {
  /** @throws queue_full | rate_limited. Every success is paired with one `leave`. */
  enter(tenant: TenantId): void;
  leave(tenant: TenantId): void;
  readonly inFlight: number;
  /** Here, by tenant. */
  readonly perTenant: ReadonlyMap<TenantId, number>;
}

const retryAfterMs = 1000;

export function createAdmission(options: AdmissionOptions): Admission {
  const perTenant = new Map<TenantId, number>();
  let total = 0;
  return {
    enter(tenant) {
      if (total >= options.inFlightMax) {
        throw new AppError(
          'queue_full',
          `${total} requests are being answered, the most allowed (admission.inFlightMax); try again shortly`,
          { retryAfterMs },
        );
      }
      const own = perTenant.get(tenant) ?? 0;
      const all = own + (options.elsewhere?.(tenant) ?? 0);
      if (all >= options.inFlightPerTenantMax) {
        throw new AppError(
          'rate_limited',
          `${all} requests of yours are being answered, the most allowed (admission.inFlightPerTenantMax); try again shortly`,
          { retryAfterMs },
        );
      }
      perTenant.set(tenant, own + 1);
      total++;
    },
    leave(tenant) {
      total--;
      const own = perTenant.get(tenant)! - 1;
      if (own === 0) perTenant.delete(tenant);
      else perTenant.set(tenant, own);
    },
    perTenant,
    get inFlight() {
      return total;
    },
  };
}
