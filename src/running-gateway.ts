/** What the composition root hands to whoever started it: the CLI, tests, benchmarks. */
import type { StatusReport } from './admin/admin-types.ts';

export interface RunningGateway {
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  /** Whether clients must show an API key. */
  readonly keyRequired: boolean;
  status(): StatusReport;
  /** Opens the page as the operator, once and soon; undefined where no key is set, so that nobody logs in. */
  loginUrl(): string | undefined;
  /** Stops accepting, lets running answers finish within the grace period, flushes, closes. Idempotent. */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}
