/** The fleet in words and tables. */
import type { FleetHistory, FleetMachine, FleetOffers, FleetReport } from '../admin/admin-types.ts';
import { formatDuration } from '../core/format.ts';
import { formatTable } from './format.ts';

export const usd = (value: number): string =>
  `$${value !== 0 && Math.abs(value) < 0.1 ? value.toFixed(4) : value.toFixed(2)}`;

export function describeFleet(report: FleetReport): string {
  const { spend, demand, machines } = report;
  const cap = (value: number | undefined) => (value === undefined ? '' : ` of ${usd(value)}`);
  const lines = [
    `fleet     ${report.name}, ${report.model} on ${report.provider}: ${report.state}`,
    `          ${report.says}`,
    `machines  ${machines.length}${stoppedOf(machines)}, ${report.target} wanted${report.reasons.length > 0 ? `: ${report.reasons.join('; ')}` : ''}`,
    ...(report.floor ? [`          at least ${report.floor.workers} until ${at(report.floor.until)}`] : []),
    `spend     ${usd(spend.perHourUsd)} an hour${cap(spend.caps.perHourUsd)}, ${usd(spend.dayUsd)} today${cap(spend.caps.perDayUsd)}, ${usd(spend.monthUsd)} this month${cap(spend.caps.perMonthUsd)}`,
    ...(demand
      ? [
          `demand    ${demand.tokensPerS.toFixed(1)} tokens/s over 5 min, ${demand.running} running, ${demand.queued} waiting${demand.queued > 0 ? ` (${Math.round(demand.oldestQueuedS)} s)` : ''}`,
        ]
      : []),
    ...(report.nextPricePerHourUsd === undefined
      ? []
      : [`market    next machine ${usd(report.nextPricePerHourUsd)} an hour`]),
    '',
  ];
  return `${lines.join('\n')}\n${machineTable(machines)}${benchTable(report)}`;
}

function stoppedOf(machines: readonly FleetMachine[]): string {
  const count = machines.filter(({ phase }) => phase === 'stopped').length;
  return count === 0 ? '' : ` (${count} stopped)`;
}

function machineTable(machines: readonly FleetMachine[]): string {
  if (machines.length === 0) return 'nothing is rented\n';
  return formatTable(
    ['INSTANCE', 'GPU', 'PHASE', 'FOR', 'BILLS', '$/H NOW', 'SPENT', 'BUSY', 'WHY'],
    machines.map((machine) => [
      machine.instanceId ?? '-',
      machine.gpu,
      machine.phase,
      formatDuration(machine.phaseS),
      machine.billing,
      usd(machine.billsPerHourUsd),
      usd(machine.spentUsd),
      `${machine.inFlight}/${machine.slots}`,
      machine.endReason ?? machine.reason,
    ]),
    140,
  );
}

function benchTable({ benched }: FleetReport): string {
  if (benched.length === 0) return '';
  return `\n${formatTable(
    ['BENCHED', 'ID', 'STRIKES', 'UNTIL', 'WHY'],
    benched.map(({ kind, id, strikes, until, reason }) => [
      kind,
      id,
      String(strikes),
      until === undefined ? 'unblocked' : at(until),
      reason,
    ]),
    140,
  )}`;
}

export function describeOffers({ ranked, rejected }: FleetOffers, shown: number): string {
  const table = formatTable(
    ['OFFER', 'GPU', 'WHERE', '$/H', '$/M TOKENS', 'TOKENS/S', 'READY IN', 'STARTS', 'Mb/S', 'MACHINE', 'HOST'],
    ranked
      .slice(0, shown)
      .map((offer) => [
        offer.id,
        offer.gpu,
        `${offer.country || '?'}${offer.datacenter ? ' dc' : ''}`,
        usd(offer.pricePerHourUsd),
        offer.usdPerMillionTokens.toFixed(3),
        String(Math.round(offer.tokensPerS)),
        `${Math.round(offer.readyInS)} s`,
        `${Math.round(offer.chanceOfReady * 100)} %`,
        String(Math.round(offer.downloadMbps)),
        offer.machineId,
        offer.hostId,
      ]),
    140,
  );
  const reasons = new Map<string, number>();
  for (const { reason } of rejected) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const why = [...reasons].sort((a, b) => b[1] - a[1]).slice(0, 5);
  return `${ranked.length === 0 ? 'no offer can be taken\n' : table}${
    why.length === 0 ? '' : `\nleft out: ${why.map(([reason, count]) => `${count}× ${reason}`).join('; ')}\n`
  }`;
}

export function describeHistory({ rentals }: FleetHistory): string {
  if (rentals.length === 0) return 'nothing has been rented yet\n';
  return formatTable(
    ['RENTED', 'INSTANCE', 'GPU', 'READY IN', 'LASTED', '$/H', 'SPENT', 'OUTCOME', 'WHY IT ENDED'],
    rentals.map((rental) => [
      at(rental.createdAt),
      rental.instanceId ?? '-',
      rental.gpu,
      rental.readyAt === undefined ? '-' : `${Math.round((rental.readyAt - rental.createdAt) / 1000)} s`,
      rental.endedAt === undefined ? 'now' : formatDuration((rental.endedAt - rental.createdAt) / 1000),
      usd(rental.pricePerHourUsd),
      usd(rental.spentUsd),
      rental.outcome,
      rental.endReason ?? rental.phase,
    ]),
    140,
  );
}

const at = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
