/** What the operator port is built from. */
import type { Clock } from '../core/clock.ts';
import type { DoctorReport } from '../doctor/check.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { AlertDesk } from '../telemetry/alerts/desk.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { ThinkerPool } from '../thinkers/thinker.ts';
import type { AdminFacts, CacheCommands, DashboardFiles } from './admin-types.ts';
import type { AuditLog } from './audit-log.ts';
import type { AdminKeys } from './guard.ts';
import type { FleetCommands } from './fleet-types.ts';
import type { Live } from './live.ts';
import type { Sessions } from './sessions.ts';
import type { MoneyFacts } from './money-types.ts';

export interface AdminDeps extends AdminKeys {
  readonly facts: AdminFacts;
  readonly cache: CacheCommands;
  readonly keys: KeyRing;
  readonly doctor: () => Promise<DoctorReport>;
  /** undefined where nothing is rented. */
  readonly fleet?: FleetCommands | undefined;
  readonly money: MoneyFacts;
  readonly alerts: Omit<AlertDesk, 'close' | 'look'>;
  readonly pool: Pick<ThinkerPool, 'views' | 'get'>;
  readonly metrics: Pick<Metrics, 'registry'>;
  /** Told when a management call may have changed what the thinkers hold. */
  readonly onModelsChanged?: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
  /** SHA-256 of the token that opens `/metrics` alone, hex. */
  readonly metricsTokenSha256?: string | undefined;
  readonly sessions: Sessions;
  readonly auditLog: AuditLog;
  /** undefined: the plain page alone. */
  readonly dashboard?: DashboardFiles;
  readonly options?: Partial<AdminOptions>;
}

export interface AdminOptions {
  /** Purge filters are small; anything larger is a mistake. */
  readonly bodyBytesMax: number;
  /** JSON of a management call. A `create` may bring a template, a licence and example messages. Blobs stream and have no cap. */
  readonly managementBodyBytesMax: number;
}

export const adminDefaults: AdminOptions = { bodyBytesMax: 64 * 1024, managementBodyBytesMax: 8 * 1024 * 1024 };

export interface AdminContext extends Omit<AdminDeps, 'options'> {
  readonly options: AdminOptions;
  readonly live: Live;
}
