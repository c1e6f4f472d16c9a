/** What became of rented machines, for a drawing over time and for bars of what they were paid for. */
import type { FleetHistory, FleetReport, LedgerBucketsView } from '../../admin/admin-types.ts';

export interface RentalSpan {
  readonly name: string;
  readonly gpu: string;
  readonly from: number;
  /** undefined: it never was ready. */
  readonly readyAt: number | undefined;
  readonly to: number;
  readonly isOver: boolean;
  readonly outcome: string;
  readonly spentUsd: number;
}

/** Those that were there in [from, to], oldest first. */
export function spansOf(
  rentals: FleetHistory['rentals'],
  { from, to }: { readonly from: number; readonly to: number },
): RentalSpan[] {
  return rentals
    .filter(({ createdAt, endedAt }) => createdAt <= to && (endedAt ?? to) >= from)
    .map(({ label, instanceId, gpu, createdAt, readyAt, endedAt, outcome, spentUsd }) => ({
      name: instanceId ?? label,
      gpu,
      from: Math.max(from, createdAt),
      readyAt: readyAt === undefined ? undefined : Math.max(from, readyAt),
      to: endedAt ?? to,
      isOver: endedAt !== undefined,
      outcome,
      spentUsd,
    }))
    .toSorted((a, b) => a.from - b.from);
}

export interface SubjectUse {
  readonly subject: string;
  readonly busyS: number;
  readonly idleS: number;
  readonly coldS: number;
  readonly usd: number;
}

/** GPU time by machine, the dearest first. */
export function useBySubject({ costs }: Pick<LedgerBucketsView, 'costs'>): SubjectUse[] {
  const uses = new Map<string, { subject: string; busyS: number; idleS: number; coldS: number; usd: number }>();
  for (const { component, subject, seconds, amount } of costs) {
    if (!component.startsWith('gpu_')) continue;
    let use = uses.get(subject);
    if (use === undefined) uses.set(subject, (use = { subject, busyS: 0, idleS: 0, coldS: 0, usd: 0 }));
    use.usd += amount / 1e6;
    if (component === 'gpu_busy') use.busyS += seconds;
    else if (component === 'gpu_idle') use.idleS += seconds;
    else use.coldS += seconds;
  }
  return [...uses.values()].toSorted((a, b) => b.usd - a.usd);
}

/** What still costs money now, however it is called. */
export function stillBilling({ machines }: Pick<FleetReport, 'machines'>): {
  readonly machines: number;
  readonly perHourUsd: number;
} {
  const billed = machines.filter(({ billing }) => billing !== 'nothing');
  return {
    machines: billed.length,
    perHourUsd: billed.reduce((sum, { billsPerHourUsd }) => sum + billsPerHourUsd, 0),
  };
}
