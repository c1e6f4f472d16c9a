/** All that the steps have found out: from it the configuration is written. */
import type { Caps, Spending } from './estimate.ts';
import type { AlertKind, Given, WorkingHours } from './given.ts';
import type { ModelNeeds } from './models.ts';
import type { ChannelOptions } from './outside.ts';

export interface VastPlan {
  readonly url: string | undefined;
  readonly key: string;
  readonly balanceUsd: number;
  readonly needs: ModelNeeds;
  readonly slots: number;
  readonly contextTokens: number;
  readonly gpuNames: readonly string[];
  readonly hosts: NonNullable<Given['hosts']>;
  readonly pricePerHourUsd: number;
  readonly pricePerHourMaxUsd: number;
  readonly thinkersMax: number;
  readonly caps: Caps;
  /** Seconds; undefined: when idling has cost a start. */
  readonly idleS: number | undefined;
  readonly hours: WorkingHours;
  readonly utcOffsetMinutes: number;
  readonly spending: Spending;
}

export type Source =
  | { readonly kind: 'demo' }
  | { readonly kind: 'ollama'; readonly url: string; readonly models: readonly string[] }
  | ({ readonly kind: 'vast' } & VastPlan);

export interface AlertPlan {
  readonly kind: Exclude<AlertKind, 'none'>;
  readonly channel: ChannelOptions;
  readonly secret: string | undefined;
}

export interface Setup {
  readonly source: Source;
  readonly cache: NonNullable<Given['cache']>;
  readonly audits: NonNullable<Given['audits']>;
  readonly access: NonNullable<Given['access']>;
  readonly alert: AlertPlan | undefined;
  readonly port: string | undefined;
  readonly adminPort: string | undefined;
  readonly dataDir: string | undefined;
}
