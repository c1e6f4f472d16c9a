/** What the steps ask of the world: an Ollama, the market, a channel. Each is loaded when it is asked. */
import type { AlertMessage } from '../../telemetry/alerts/channel.ts';
import type { GpuOffers, KeyReport, MarketAsk } from '../../compose/market-look.ts';
import { CliError, type CliContext } from '../context.ts';

export type { GpuOffers, KeyReport } from '../../compose/market-look.ts';

/** `alerts.channels` of the configuration, one of them. */
export type ChannelOptions = Readonly<Record<string, unknown>> & { readonly kind: string };

export interface MarketDoor {
  key(): Promise<KeyReport>;
  offers(ask: MarketAsk): Promise<readonly GpuOffers[]>;
  close(): Promise<void>;
}

export interface Outside {
  /** @returns its models @throws CliError when nobody answers there */
  ollamaModels(url: string): Promise<readonly string[]>;
  market(options: {
    readonly url: string | undefined;
    readonly key: string;
    readonly hosts: 'verified' | 'any' | 'datacenter';
  }): Promise<MarketDoor>;
  /** @throws CliError when the other side did not take it */
  sendTestMessage(channel: ChannelOptions, secret: string | undefined): Promise<void>;
  /** East of UTC, of this machine, now. */
  utcOffsetMinutes(): Promise<number>;
}

const answerMaxMs = 5_000;
const sendMaxMs = 15_000;

export function realOutside(context: CliContext): Outside {
  return {
    async ollamaModels(url) {
      let reply: Response;
      try {
        reply = await fetch(`${url.replace(/\/+$/, '')}/api/tags`, { signal: AbortSignal.timeout(answerMaxMs) });
      } catch (error) {
        const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
        throw new CliError(
          `no Ollama answers at ${url} (${cause?.code ?? cause?.message ?? message}); start it, or name another address`,
          {
            cause: error,
          },
        );
      }
      const body = (await reply.json().catch(() => undefined)) as { models?: { name: string }[] } | undefined;
      if (!reply.ok || !Array.isArray(body?.models))
        throw new CliError(`${url}/api/tags answered ${reply.status}, and not as an Ollama does`);
      return body.models.map(({ name }) => name);
    },

    async market({ url, key, hosts }) {
      const [{ openMarketLook }, { configSchema }] = await Promise.all([
        import('../../compose/market-look.ts'),
        import('../../config/schema.ts'),
      ]);
      return openMarketLook({
        url,
        key,
        hosts: hosts === 'any' ? 'any' : 'verified',
        datacenterOnly: hosts === 'datacenter',
        machines: configSchema.parse({}).fleet.machines,
      });
    },

    async sendTestMessage(options, secret) {
      const [{ channelOf }, { configSchema }, { systemClock }] = await Promise.all([
        import('../../compose/alerts.ts'),
        import('../../config/schema.ts'),
        import('../../core/clock.ts'),
      ]);
      // A path stands for the secret, which is not written yet: the schema asks only that there is one.
      const parsed = configSchema.parse({ alerts: { channels: [{ ...options, ...(secret && { secretFile: '-' }) }] } });
      const channel = channelOf(parsed.alerts.channels[0]!, secret);
      const now = systemClock.now();
      const message: AlertMessage = {
        key: 'test',
        id: `test-${now}`,
        status: 'test',
        level: 'ticket',
        title: 'Messages of your gateway arrive here',
        summary: 'A test of the setup; nothing is wrong.',
        action: '',
        runbook: '',
        detail: '',
        since: now,
        at: now,
        source: `llm-self-host ${context.version}`,
      };
      try {
        await channel.send(message, { signal: AbortSignal.timeout(sendMaxMs) });
      } catch (error) {
        throw new CliError(`the test message did not arrive: ${(error as Error).message}`, { cause: error });
      } finally {
        channel.close();
      }
    },

    async utcOffsetMinutes() {
      const { systemClock } = await import('../../core/clock.ts');
      return -new Date(systemClock.now()).getTimezoneOffset();
    },
  };
}
