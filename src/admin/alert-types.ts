/** Alerts on the operator port, as they go over the wire. */
import type { EpochMs } from '../core/units.ts';

export interface AlertsView {
  readonly rules: readonly AlertView[];
  readonly channels: readonly AlertChannelView[];
  readonly silences: readonly SilenceView[];
}

export interface AlertView {
  readonly name: string;
  readonly severity: 'page' | 'ticket';
  readonly level: 'ok' | 'warn' | 'alert';
  /** Its condition holds, for less long than it has to. */
  readonly pending: boolean;
  /** Since when `level` is what it is; undefined before the first look at the metrics. */
  readonly since: EpochMs | undefined;
  readonly silenced: boolean;
  readonly summary: string;
  readonly action: string;
  readonly runbook: string;
  /** Its condition in the language of Prometheus, and how long it must hold. */
  readonly expression: string;
  readonly forMs: number;
  readonly values: readonly { readonly labels: string; readonly value: number }[];
}

export interface AlertChannelView {
  readonly name: string;
  readonly kind: 'webhook' | 'slack' | 'discord' | 'ntfy' | 'email';
  readonly levelMin: 'warn' | 'ticket' | 'page';
  readonly waiting: number;
  readonly last:
    | { readonly at: EpochMs; readonly outcome: 'sent' | 'failed' | 'dropped'; readonly error: string | undefined }
    | undefined;
}

export interface SilenceView {
  readonly id: string;
  readonly rule: string;
  readonly until: EpochMs;
  readonly comment: string;
}

/** Newest first. */
export interface AlertHistoryView {
  readonly messages: readonly {
    readonly id: string;
    readonly at: EpochMs;
    readonly key: string;
    readonly status: 'firing' | 'resolved' | 'test';
    readonly level: 'warn' | 'ticket' | 'page';
    readonly title: string;
    readonly summary: string;
    readonly deliveries: readonly {
      readonly channel: string;
      readonly outcome: 'sent' | 'failed' | 'dropped';
      readonly error: string | undefined;
    }[];
  }[];
}

/** Body of `POST /api/alerts/silences`. */
export interface SilenceRequest {
  /** Name of a rule, kind of an event, or `*` for all. */
  readonly rule: string;
  readonly forS: number;
  readonly comment?: string | undefined;
}

/** Body of `POST /api/alerts/test`: one channel, or all. */
export interface AlertTestRequest {
  readonly channel?: string | undefined;
}

export interface AlertTestView {
  readonly results: readonly { readonly channel: string; readonly sent: boolean; readonly error: string | undefined }[];
}
