import { networkInterfaces } from 'node:os';
import type { Config } from '../../config/schema.ts';
import type { CallOptions } from '../../core/chat.ts';
import type { ThinkerLook } from '../../doctor/checks/service.ts';
import type { DoctorDeps } from './deps.ts';
import { ollamaHostUrl } from '../ollama-host.ts';
import type { GatewayLook } from './look-at-gateway.ts';

interface Target {
  readonly name: string;
  readonly url: string;
  readonly slots: number;
  readonly bearer: string | undefined;
}

/** Ollama's own number at a time since 0.5. */
const localSlots = 4;
const strangerMs = 1_500;

/** Those of the gateway that runs, and those of the configuration asked directly. */
export async function lookAtThinkers(
  config: Config,
  { gateway, signal }: CallOptions & { readonly gateway: GatewayLook | undefined },
): Promise<readonly ThinkerLook[]> {
  const served = (await gateway?.status({ signal }))?.thinkers ?? [];
  const direct = await Promise.all(targetsOf(config).map((target) => lookAt(target, signal)));
  const others = served
    .filter(({ url }) => !direct.some((each) => each.url === url))
    .map(({ name, kind, url, state, models, maxConcurrency, lastError }): ThinkerLook => ({
      name,
      kind,
      url,
      slots: maxConcurrency,
      unreachable: state === 'unreachable' || state === 'ejected' ? (lastError ?? state) : undefined,
      models: models.length,
      answersStrangers: undefined,
      exposedAt: undefined,
    }));
  // With nothing configured a discovered Ollama is looked at; where there is none, what plays it is enough.
  const found = direct.filter(({ unreachable }) => unreachable === undefined || config.thinkers.length > 0);
  return [...found, ...others];
}

function targetsOf(config: Config): Target[] {
  if (config.thinkers.length > 0)
    return config.thinkers.map(({ url, name, maxConcurrency }) => ({
      name: name ?? new URL(url).host,
      url,
      slots: maxConcurrency,
      bearer: config.bearers[url],
    }));
  if (config.discovery === 'off' || config.fleet.provider !== 'off') return [];
  return [{ name: 'ollama', url: ollamaHostUrl(config.ollamaHost), slots: localSlots, bearer: undefined }];
}

async function lookAt({ name, url, slots, bearer }: Target, signal: AbortSignal): Promise<ThinkerLook> {
  const look = { name, kind: 'static' as const, url, slots };
  let models: number;
  try {
    const response = await fetch(new URL('/api/tags', url), {
      signal,
      headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    models = ((await response.json()) as { models?: unknown[] }).models?.length ?? 0;
  } catch (error) {
    const { code, message } = (error as { cause?: { code?: string; message?: string } }).cause ?? {};
    return {
      ...look,
      unreachable: code ?? message ?? (error as Error).message,
      models: 0,
      answersStrangers: undefined,
      exposedAt: undefined,
    };
  }
  return {
    ...look,
    unreachable: undefined,
    models,
    answersStrangers: bearer === undefined ? undefined : await answers(url),
    exposedAt: await exposed(url),
  };
}

/** An Ollama of this machine that others reach as well. */
async function exposed(url: string): Promise<string | undefined> {
  const { hostname, port } = new URL(url);
  if (!/^(localhost|127\.\d+\.\d+\.\d+)$/.test(hostname)) return undefined;
  const addresses = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
    .map(({ address }) => `http://${address}:${port || 80}`);
  for (const address of addresses) if (await answers(address)) return address;
  return undefined;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(new URL('/api/tags', url), { signal: AbortSignal.timeout(strangerMs) })).ok;
  } catch {
    return false;
  }
}

/** By the `Date` of their replies, which the middle of the exchange is compared with. */
export async function otherClocks(
  config: Config,
  { clock }: DoctorDeps,
  { signal }: CallOptions,
): Promise<{ of: string; aheadMs: number }[]> {
  const urls = [
    ...config.thinkers.map(({ url }) => url),
    ...(config.fleet.provider === 'off' ? [] : [config.fleet.vast.url]),
  ];
  const seen = await Promise.all(
    urls.map(async (url) => {
      try {
        const beganAt = clock.now();
        const { headers } = await fetch(url, { signal });
        const date = Date.parse(headers.get('date') ?? '');
        return Number.isNaN(date) ? [] : [{ of: new URL(url).host, aheadMs: date + 500 - (beganAt + clock.now()) / 2 }];
      } catch {
        // Whether it is there is another check's business.
        return [];
      }
    }),
  );
  return seen.flat();
}
