import type { FleetReport, StatusReport } from '../../admin/admin-types.ts';
import type { AlertsView, AlertTestView } from '../../admin/alert-types.ts';
import type { CallOptions } from '../../core/chat.ts';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import type { Random } from '../../core/random.ts';
import type { AskedTwice } from '../../doctor/checks/service.ts';

interface Access {
  readonly clock: Clock;
  readonly random: Random;
  readonly apiKey: string | undefined;
  readonly adminKey: string | undefined;
  readonly own?: Partial<GatewayLook>;
}

export interface GatewayLook {
  status(options: CallOptions): Promise<StatusReport>;
  /** undefined where nothing is rented. */
  fleet(options: CallOptions): Promise<FleetReport | undefined>;
  /** A string says why it cannot be asked. */
  askTwice(options: CallOptions): Promise<AskedTwice | string>;
  scrape(options: CallOptions): Promise<string>;
  channels(options: CallOptions): Promise<AlertsView['channels']>;
  testChannels(options: CallOptions): Promise<string>;
}

export function createGatewayLook(
  { gatewayUrl, adminUrl }: { readonly gatewayUrl: string; readonly adminUrl: string },
  { clock, random, apiKey, adminKey, own }: Access,
): GatewayLook {
  const reachable = (url: string): string => url.replace('//0.0.0.0', '//127.0.0.1').replace('//[::]', '//[::1]');
  const bearer = (key: string | undefined): Record<string, string> =>
    key === undefined ? {} : { authorization: `Bearer ${key}` };

  async function admin(path: string, { signal }: CallOptions, body?: unknown): Promise<Response> {
    const response = await fetch(reachable(adminUrl) + path, {
      signal,
      headers: { ...bearer(adminKey), ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    if (response.status === 401)
      throw new AppError(
        'unauthorized',
        'the operator port asks for its key; set SELFHOST_ADMIN_KEY for the doctor too',
      );
    return response;
  }
  const json = async <T>(path: string, options: CallOptions, body?: unknown): Promise<T> =>
    (await (await admin(path, options, body)).json()) as T;

  const look: GatewayLook = {
    status: (options) => json('/api/status', options),
    async fleet(options) {
      const response = await admin('/api/fleet', options);
      return response.ok ? ((await response.json()) as FleetReport) : undefined;
    },
    async askTwice(options) {
      const { thinkers, cache } = await (own?.status ? own.status(options) : look.status(options));
      if (cache.mode === 'off') return 'the cache is off (cache.mode)';
      const ready = thinkers.find(({ state, models }) => state === 'ready' && models.length > 0);
      if (ready === undefined)
        return 'no thinker is ready; machines are rented when somebody asks, and not by the doctor';
      const model =
        ready.models.find((name) => !name.startsWith('fault-') && !/embed|minilm/i.test(name)) ?? ready.models[0]!;
      // Never asked before, so that the first is a miss.
      const question = `Doctor's question ${random.id(12)}: answer with the one word yes.`;
      const ask = async (): Promise<AskedTwice['first'] | string> => {
        const beganMs = clock.monotonicMs();
        const response = await fetch(`${reachable(gatewayUrl)}/api/chat`, {
          method: 'POST',
          signal: options.signal,
          headers: { 'content-type': 'application/json', ...bearer(apiKey) },
          body: JSON.stringify({
            model,
            stream: false,
            messages: [{ role: 'user', content: question }],
          }),
        });
        const text = await response.text();
        if (response.status === 401) return 'the gateway asks for a key; set SELFHOST_API_KEY for the doctor too';
        if (!response.ok)
          throw new AppError('upstream_failed', `${model} answered ${response.status}: ${text.slice(0, 200)}`);
        return { cache: response.headers.get('x-selfhost-cache') ?? 'nothing', ms: clock.monotonicMs() - beganMs };
      };
      const first = await ask();
      if (typeof first === 'string') return first;
      const second = await ask();
      return typeof second === 'string' ? second : { model, first, second };
    },
    scrape: async (options) => (await admin('/metrics', options)).text(),
    async channels(options) {
      const { channels } = await json<AlertsView>('/api/alerts', options);
      return channels;
    },
    async testChannels(options) {
      const { results } = await json<AlertTestView>('/api/alerts/test', options, {});
      return results
        .map(({ channel, sent, error }) => `${channel}: ${sent ? 'delivered' : (error ?? 'failed')}`)
        .join(', ');
    },
  };
  return look;
}
