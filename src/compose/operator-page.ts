/** What the operator port has besides facts: its page, its logins, its audit log. */
import type { DashboardFiles } from '../admin/admin-types.ts';
import { createAuditLog, type AuditLog } from '../admin/audit-log.ts';
import { linkPath } from '../admin/session-routes.ts';
import { createSessions, type Sessions } from '../admin/sessions.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { createDashboardFiles } from '../dashboard/serve.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface OperatorPage {
  readonly sessions: Sessions;
  readonly auditLog: AuditLog;
  readonly dashboard: DashboardFiles;
  /** Path of a new one-time login; undefined where nobody logs in. */
  createLoginPath(): string | undefined;
  close(): Promise<void>;
}

export async function createOperatorPage(
  config: Config,
  deps: { readonly clock: Clock; readonly logger: Logger },
): Promise<OperatorPage> {
  const sessions = createSessions(deps);
  const auditLog = await createAuditLog(config.cache.persist ? config.dataDir : undefined, deps);
  return {
    sessions,
    auditLog,
    dashboard: createDashboardFiles({
      onMissing: (error) =>
        deps.logger.warn({ err: error }, 'the dashboard was not built; the plain page is served in its place'),
    }),
    createLoginPath: () => (config.adminKeySha256 === undefined ? undefined : linkPath(sessions.createLink())),
    close: () => auditLog.flush(),
  };
}
