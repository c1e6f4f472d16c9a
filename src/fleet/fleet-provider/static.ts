/** The operator's own hosts, seen as a fleet: nothing to rent, nothing to destroy, and nobody who sends a bill. */
import { AppError } from '../../core/errors.ts';
import { usdMicros, type UsdMicros } from '../../core/units.ts';
import { instanceId, type FleetProvider, type Instance } from '../fleet-provider.ts';

export interface OwnHost {
  readonly name: string;
  /** Base URL of its Ollama. */
  readonly url: string;
  /** What an hour of it costs its owner. */
  readonly pricePerHour: UsdMicros;
}

export interface StaticOptions {
  readonly hosts: readonly OwnHost[];
}

/** @throws config_invalid when a URL cannot be one */
export function createStaticProvider({ hosts }: StaticOptions): FleetProvider {
  const instances = hosts.map(instanceOf);
  const refuse = (what: string, remedy: string): Promise<never> =>
    Promise.reject(new AppError('provider_refused', `${what}; ${remedy}`));
  return {
    name: 'static',
    searchOffers: () => Promise.resolve([]),
    rent: () => refuse('own hosts are not rented', 'configure fleet.provider to rent more'),
    // Labels are the names of the hosts, so that no sweep of what we have rented ever finds one of them.
    list: (labelPrefix) => Promise.resolve(instances.filter(({ label }) => label.startsWith(labelPrefix))),
    destroy(id) {
      const own = instances.find((instance) => instance.id === id);
      if (own === undefined) return Promise.resolve();
      return refuse(`${own.label} is your own host and is not destroyed`, 'remove it from `thinkers` to stop using it');
    },
    stop: () => refuse('own hosts are not stopped', 'remove it from `thinkers` to stop using it'),
    start: () => refuse('own hosts are not started', 'start Ollama there'),
    logs: () => refuse('own hosts keep their logs to themselves', 'read the log of Ollama there'),
    charges: () => Promise.resolve([]),
    account: () => refuse('own hosts have no account', 'their cost is `costPerHourUsd`'),
    market: () => Promise.resolve([]),
    close: () => Promise.resolve(),
  };
}

const defaultPorts: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

function instanceOf({ name, url: text, pricePerHour }: OwnHost): Instance {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const fallback = url === undefined ? undefined : defaultPorts[url.protocol];
  if (url === undefined || fallback === undefined)
    throw new AppError('config_invalid', `the URL of ${name} is \`${text}\`; expected http://host:port`);
  const port = url.port === '' ? fallback : Number(url.port);
  return {
    id: instanceId(text),
    label: name,
    status: 'running',
    statusText: 'own host',
    machineId: name,
    hostId: url.hostname,
    gpuName: '',
    endpoints: new Map([[port, { host: url.hostname, port }]]),
    pricePerHour,
    storagePerHour: usdMicros(0),
    gpuBilled: true,
    gpuUse: { utilizationRatio: undefined, vramUsedBytes: undefined, vramBytes: undefined },
    startedAt: undefined,
  };
}
