/** What needs somebody first. */
import type { AlertView } from '../../admin/admin-types.ts';

const levels = { alert: 0, warn: 1, ok: 2 } as const;
const severities = { page: 0, ticket: 1 } as const;

export const byUrgency = <T extends Pick<AlertView, 'name' | 'level' | 'severity' | 'pending'>>(
  rules: readonly T[],
): T[] =>
  rules.toSorted(
    (a, b) =>
      levels[a.level] - levels[b.level] ||
      Number(b.pending) - Number(a.pending) ||
      severities[a.severity] - severities[b.severity] ||
      a.name.localeCompare(b.name),
  );
