/** The gateway as it runs in production, in a process of its own. */
import { resolveConfig } from '../../src/config/load.ts';
import { startGateway, type StartOptions } from '../../src/main.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { childOptions, ready } from './child.ts';

export interface GatewayServerOptions {
  readonly thinkerUrl: string;
  readonly dataDir: string;
  readonly cache?: Readonly<Record<string, string | number | boolean>>;
  /** Entries that must be in the index before it counts as ready. */
  readonly vectors?: number;
  /** `off`: neither ledger nor metrics, to see what they cost. */
  readonly counting?: 'on' | 'off';
  /** What an hour of the thinker costs: with a price every reply says what it saved. */
  readonly costPerHourUsd?: number;
}

const {
  thinkerUrl,
  dataDir,
  cache = {},
  vectors = 0,
  counting = 'on',
  costPerHourUsd = 0,
} = childOptions() as GatewayServerOptions;
const config = resolveConfig(
  {
    thinkers: [{ url: thinkerUrl, name: 'sim', maxConcurrency: 128, costPerHourUsd }],
    embedding: { kind: 'lexical' },
    telemetry: { logLevel: 'silent' },
    // The thinker is simulated, which this gateway is not told: its answers differ with each wording, so audits would call
    // every rewording wrong.
    cache: { audits: 'off', ...cache },
  },
  { SELFHOST_PORT: '0', SELFHOST_ADMIN_PORT: '0', SELFHOST_DATA_DIR: dataDir },
);
const gateway = await startGateway(config, { logger: silentLogger, ...(counting === 'off' && withoutCounting()) });
// The index is filled in the background after start.
for (let i = 0; gateway.status().cache.vectors < vectors; i++) {
  if (i > 1200) throw new Error(`the index holds ${gateway.status().cache.vectors} of ${vectors} vectors after 60 s`);
  await new Promise((resolve) => setTimeout(resolve, 50));
}
ready(gateway.gatewayUrl, gateway.adminUrl);

/** Every counter and histogram does nothing, and no answer is written down. */
function withoutCounting(): Pick<StartOptions, 'metrics' | 'book'> {
  const metrics = createMetrics();
  const nothing = { inc: () => {}, dec: () => {}, set: () => {}, observe: () => {} };
  for (const metric of Object.values(metrics))
    if ('labels' in metric) Object.assign(metric, nothing, { labels: () => nothing });
  return { metrics, book: { record: () => {}, savedUsd: () => undefined } };
}
