import { join } from 'node:path';
import { hostname } from 'node:os';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Random } from '../core/random.ts';
import type { Channel } from '../telemetry/alerts/channel.ts';
import { createDiscordChannel } from '../telemetry/alerts/channel/discord.ts';
import { createEmailChannel } from '../telemetry/alerts/channel/email.ts';
import { createNtfyChannel } from '../telemetry/alerts/channel/ntfy.ts';
import { createSlackChannel } from '../telemetry/alerts/channel/slack.ts';
import { createWebhookChannel } from '../telemetry/alerts/channel/webhook.ts';
import { deliveryDefaults } from '../telemetry/alerts/delivery.ts';
import { createAlertDesk, type AlertDesk } from '../telemetry/alerts/desk.ts';
import { createDeskFile } from '../telemetry/alerts/desk-state.ts';
import type { Events } from '../telemetry/events.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

export interface AlertingDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly events: Events;
}

/** Alerts as configured; without channels they are still worked out, for the operator port. */
export function createAlerting(config: Config, deps: AlertingDeps): AlertDesk {
  const { channels, ...options } = config.alerts;
  return createAlertDesk({
    ...deps,
    channels: channels.map((channel, index) => ({
      name: channel.name ?? channel.kind,
      levelMin: channel.levelMin,
      channel: channelOf(channel, config.alertSecrets[index]),
    })),
    options: { ...options, quietHours: options.quietHours, source: hostname() },
    file: createDeskFile(join(config.dataDir, 'alerts.json'), deps.logger),
  });
}

const portOf = { tls: 465, starttls: 587, none: 25 } as const;

/** The schema has seen to it that a kind has what it needs. */
export function channelOf(channel: Config['alerts']['channels'][number], secret: string | undefined): Channel {
  switch (channel.kind) {
    case 'webhook':
      return createWebhookChannel({ url: channel.url!, secret });
    case 'slack':
      return createSlackChannel({ url: secret! });
    case 'discord':
      return createDiscordChannel({ url: secret! });
    case 'ntfy':
      return createNtfyChannel({ url: channel.url ?? 'https://ntfy.sh', topic: channel.topic!, token: secret });
    case 'email': {
      const { host, port, security, user, from, to } = channel;
      return createEmailChannel({
        host: host!,
        port: port ?? portOf[security],
        security,
        user,
        password: secret,
        from: from!,
        to: to!,
        timeoutMs: deliveryDefaults.attemptTimeoutMs,
      });
    }
  }
}
