import { AppError } from '../core/errors.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { FleetProvider } from './fleet-provider.ts';

/** The same market, with every call counted by how it ended. */
export function countedProvider(market: FleetProvider, metrics: Pick<Metrics, 'providerRequests'>): FleetProvider {
  async function counted<T>(op: string, call: Promise<T>): Promise<T> {
    try {
      const result = await call;
      metrics.providerRequests.inc({ op, outcome: 'ok' });
      return result;
    } catch (error) {
      const outcome = outcomeOf(error);
      if (outcome !== undefined) metrics.providerRequests.inc({ op, outcome });
      throw error;
    }
  }
  return {
    name: market.name,
    searchOffers: (query, options) => counted('search', market.searchOffers(query, options)),
    rent: (offer, spec, options) => counted('rent', market.rent(offer, spec, options)),
    list: (labelPrefix, options) => counted('list', market.list(labelPrefix, options)),
    destroy: (instance, options) => counted('destroy', market.destroy(instance, options)),
    stop: (instance, options) => counted('stop', market.stop(instance, options)),
    start: (instance, options) => counted('start', market.start(instance, options)),
    logs: (instance, options) => counted('logs', market.logs(instance, options)),
    charges: (range, options) => counted('charges', market.charges(range, options)),
    account: (options) => counted('account', market.account(options)),
    market: (gpuNames, options) => counted('market', market.market(gpuNames, options)),
    close: () => market.close(),
  };
}

/** undefined for a call that we gave up ourselves. */
function outcomeOf(error: unknown): 'refused' | 'gone' | 'unavailable' | undefined {
  if (!(error instanceof AppError)) return 'unavailable';
  switch (error.code) {
    case 'aborted':
      return undefined;
    case 'provider_refused':
      return 'refused';
    case 'offer_gone':
      return 'gone';
    default:
      return 'unavailable';
  }
}
