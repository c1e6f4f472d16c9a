/** The GPU market vast.ai, over its REST API. */
import type { CallOptions } from '../../core/chat.ts';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import { usdMicros } from '../../core/units.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { instanceId } from '../fleet-provider.ts';
import type { Charge, FleetProvider, Instance, InstanceId, Offer, OfferQuery } from '../fleet-provider.ts';
import { createApi, NotThere, unavailable } from './vast/api.ts';
import { chargesOf } from './vast/charges.ts';
import { decodeInstance } from './vast/instances.ts';
import { encodeLaunch } from './vast/launch.ts';
import { anything, decodeMarket, pricesOf } from './vast/market.ts';
import { decodeOffers, encodeQuery, type OfferRules } from './vast/offers.ts';
import { Redactor, secretValues } from './vast/redact.ts';
import * as wire from './vast/wire.ts';

export interface VastOptions extends Partial<OfferRules> {
  /** `https://console.vast.ai` when absent. */
  readonly url?: string;
  readonly key: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Longest wait for one answer; 30 s when absent. */
  readonly timeoutMs?: number;
  /** Tries of a call that may be repeated; 4 when absent. */
  readonly triesMax?: number;
}

const defaultUrl = 'https://console.vast.ai';
const pageSize = 25;
/** 1,000 instances: a list that goes on is not ours. */
const pagesMax = 40;
/** The list is read again when it changed while it was read. */
const readingsMax = 3;
const chargesPerPage = 500;
/** A year of a large fleet. */
const chargePagesMax = 100;
const daySeconds = 86_400;
/** The market writes a log to a file server and says where before it is there. */
const logWaitMs = 300;
const logTriesMax = 30;
const logLinesMax = 200;
const microsPerUsd = 1e6;

/** @throws config_invalid when the URL or the key cannot be one */
export function createVastProvider(options: VastOptions): FleetProvider {
  const { clock, random, logger } = options;
  const key = options.key.trim();
  const url = options.url ?? defaultUrl;
  refuseOddSettings(url, key);
  const rules: OfferRules = {
    hosts: options.hosts ?? 'verified',
    datacenterOnly: options.datacenterOnly ?? false,
    countries: options.countries ?? [],
  };
  const redactor = new Redactor([key]);
  const api = createApi({
    url,
    key,
    clock,
    random,
    logger,
    redactor,
    timeoutMs: options.timeoutMs ?? 30_000,
    triesMax: options.triesMax ?? 4,
  });

  return {
    name: 'vast',

    searchOffers: search,

    async rent(offer, spec, call) {
      const secrets = [...secretValues(Object.entries(spec.env)), spec.script];
      try {
        const { new_contract: id } = await api.call(
          {
            route: 'create',
            method: 'PUT',
            path: `/api/v0/asks/${encodeURIComponent(offer)}/`,
            body: encodeLaunch(spec),
            schema: wire.createSchema,
            repeat: 'once',
            secrets,
          },
          call,
        );
        redactor.learn(id, secrets);
        return instanceId(id);
      } catch (error) {
        if (!(error instanceof NotThere)) throw error;
        throw new AppError('offer_gone', `offer ${offer} is gone (${error.message}); take another`);
      }
    },

    async list(labelPrefix, call) {
      const rows = await readList(call);
      return rows.filter(({ label }) => label.startsWith(labelPrefix));
    },

    async destroy(id, call) {
      try {
        await api.call(
          {
            route: 'destroy',
            method: 'DELETE',
            path: `/api/v0/instances/${encodeURIComponent(id)}/`,
            body: {},
            schema: wire.anySchema,
            repeat: 'safe',
          },
          call,
        );
      } catch (error) {
        if (!(error instanceof NotThere)) throw error;
      }
    },

    stop: (id, call) => change(id, 'stopped', call),
    start: (id, call) => change(id, 'running', call),

    async logs(id, call) {
      if (!redactor.knows(id)) await learnSecrets(id, call);
      const { result_url: address } = await present(
        api.call(
          {
            route: 'logs',
            method: 'PUT',
            path: `/api/v0/instances/request_logs/${encodeURIComponent(id)}/`,
            body: { tail: String(logLinesMax) },
            schema: wire.logsSchema,
            repeat: 'safe',
          },
          call,
        ),
      );
      for (let tries = 0; tries < logTriesMax; tries++) {
        await pause(logWaitMs, call);
        const text = await api.file(address, call);
        if (text !== undefined) return redactor.clean(lastLines(text), { instance: id });
      }
      throw unavailable(`the log of instance ${id} did not appear within ${(logTriesMax * logWaitMs) / 1_000} s`);
    },

    async charges({ from, to }, call) {
      const charges: Charge[] = [];
      const filters = {
        day: { gte: dayOf(from), lte: dayOf(Math.max(from, to - 1)) },
        type: { in: ['instance'] },
      };
      let token: string | undefined;
      for (let page = 0; page < chargePagesMax; page++) {
        const search = new URLSearchParams({
          select_filters: JSON.stringify(filters),
          limit: String(chargesPerPage),
          ...(token !== undefined && { after_token: token }),
        });
        const answer = await present(
          api.call(
            {
              route: 'charges',
              method: 'GET',
              path: `/api/v0/charges/?${search.toString()}`,
              schema: wire.chargesSchema,
              repeat: 'safe',
            },
            call,
          ),
        );
        for (const row of answer.results) charges.push(...chargesOf(row));
        token = answer.next_token;
        if (token === undefined) return charges;
      }
      throw unavailable(`the list of charges has more than ${chargePagesMax * chargesPerPage} rows`);
    },

    async account(call) {
      const { email, balance, credit } = await present(
        api.call(
          {
            route: 'account',
            method: 'GET',
            path: '/api/v0/users/current/?owner=me',
            schema: wire.accountSchema,
            repeat: 'safe',
          },
          call,
        ),
      );
      const funds = credit ?? balance;
      if (funds === undefined) throw unavailable('the GPU market did not say what is left on the account');
      return { balance: usdMicros(funds * microsPerUsd), email: email ?? '' };
    },

    async market(gpuNames, call) {
      const rows = await readMarket(call);
      // Only those who let machines out are told; others are shown an empty list or the door.
      if (rows.length === 0) return pricesOf(await search({ ...anything, gpuNames }, call));
      return rows.flatMap((row) => decodeMarket(row, gpuNames));
    },

    close: () => api.close(),
  };

  /** What it asks for may be asked for again: an instance that is so already stays so. */
  async function change(id: InstanceId, state: 'running' | 'stopped', call: CallOptions): Promise<void> {
    await present(
      api.call(
        {
          route: 'change',
          method: 'PUT',
          path: `/api/v0/instances/${encodeURIComponent(id)}/`,
          body: { state },
          schema: wire.changeSchema,
          repeat: 'safe',
        },
        call,
      ),
    );
  }

  /** Every instance of the account, or an error: what cannot be trusted is unknown, never empty. */
  async function readList(call: CallOptions): Promise<Instance[]> {
    let why = '';
    for (let reading = 0; reading < readingsMax; reading++) {
      const read = await readPages(call);
      if (Array.isArray(read)) return read;
      why = read.why;
      logger.debug({ why }, 'list of instances does not add up');
    }
    throw unavailable(`the list of instances does not add up: ${why}; what runs there is unknown`);
  }

  async function readPages(call: CallOptions): Promise<Instance[] | { readonly why: string }> {
    const instances = new Map<string, Instance>();
    let token: string | undefined;
    let total: number | undefined;
    for (let page = 0; page < pagesMax; page++) {
      const search = new URLSearchParams({
        limit: String(pageSize),
        order_by: JSON.stringify([{ col: 'id', dir: 'asc' }]),
        select_cols: JSON.stringify(['*']),
        ...(token !== undefined && { after_token: token }),
      });
      const answer = await present(
        api.call(
          {
            route: 'list',
            method: 'GET',
            path: `/api/v1/instances/?${search.toString()}`,
            schema: wire.listSchema,
            repeat: 'safe',
          },
          call,
        ),
      );
      if (total !== undefined && total !== answer.total_instances) return { why: 'it changed while it was read' };
      total = answer.total_instances;
      for (const row of answer.instances) {
        const instance = decodeInstance(row, redactor);
        if (instance === undefined) return { why: 'one row has no id' };
        instances.set(instance.id, instance);
      }
      token = answer.next_token ?? undefined;
      if (token !== undefined) continue;
      return instances.size === total
        ? [...instances.values()]
        : { why: `it counts ${total} instances and shows ${instances.size}` };
    }
    return { why: `it has more than ${pagesMax} pages` };
  }

  async function readMarket(call: CallOptions): Promise<readonly wire.WireMarketRow[]> {
    try {
      return await api.call(
        {
          route: 'market',
          method: 'GET',
          path: '/api/v0/metrics/gpu/current/?verified=yes',
          schema: wire.marketSchema,
          repeat: 'safe',
        },
        call,
      );
    } catch (error) {
      if (error instanceof NotThere || (error instanceof AppError && error.code === 'provider_refused')) return [];
      throw error;
    }
  }

  async function search(query: OfferQuery, call: CallOptions): Promise<readonly Offer[]> {
    const { offers } = await present(
      api.call(
        {
          route: 'search',
          method: 'POST',
          path: '/api/v0/bundles/',
          body: encodeQuery(query, rules),
          schema: wire.searchSchema,
          repeat: 'safe',
        },
        call,
      ),
    );
    return decodeOffers(offers, query, rules, clock.now() / 1_000);
  }

  async function learnSecrets(id: string, call: CallOptions): Promise<void> {
    const { instances: row } = await present(
      api.call(
        {
          route: 'show',
          method: 'GET',
          path: `/api/v0/instances/${encodeURIComponent(id)}/?owner=me`,
          schema: wire.oneSchema,
          repeat: 'safe',
        },
        call,
      ),
    );
    if (row === null || row === undefined) throw unavailable(`the GPU market knows no instance ${id}`);
    decodeInstance(row, redactor);
  }

  async function pause(ms: number, { signal }: CallOptions): Promise<void> {
    try {
      await clock.sleep(ms, signal);
    } catch {
      throw new AppError('aborted', 'the caller left');
    }
  }
}

/** For calls that need the thing to be there. */
async function present<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw error instanceof NotThere ? unavailable(`the GPU market does not know that (${error.message})`) : error;
  }
}

function refuseOddSettings(url: string, key: string): void {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:')
    throw new AppError('config_invalid', `fleet.vast.url is \`${url}\`; expected ${defaultUrl}`);
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new AppError(
      'config_invalid',
      'the key of the GPU market is empty or has blanks in it; set SELFHOST_VAST_API_KEY or fleet.vast.keyFile',
    );
}

const dayOf = (at: number): number => Math.floor(at / 1_000 / daySeconds) * daySeconds;

const lastLines = (text: string): string => text.trimEnd().split('\n').slice(-logLinesMax).join('\n');
