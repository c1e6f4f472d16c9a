import { unreachable } from '../../core/assert.ts';
import type { UsdMicros } from '../../core/units.ts';
import type { RoomEvent } from '../events.ts';
import type { MessageLevel } from './channel.ts';

export interface EventWords {
  /** The same for what need not be told twice. */
  readonly key: string;
  readonly level: MessageLevel;
  readonly title: string;
  readonly summary: string;
  readonly action: string;
  /** Rule whose runbook section fits. */
  readonly runbook: string;
}

/** Those that can come to a message. */
export const eventKinds = [
  'budget-alert',
  'budget-stop',
  'provider-refused',
  'machine-lost',
  'orphan-found',
  'meter-drift',
] as const satisfies readonly RoomEvent['kind'][];

/** @returns undefined for what is only worth a line in the log */
export function wordsOf(event: RoomEvent): EventWords | undefined {
  switch (event.kind) {
    case 'budget-alert': {
      const { period, share, spent, cap } = event;
      const percent = Math.round(share * 100);
      return {
        key: `budget-alert ${period} ${percent}`,
        level: share >= 1 ? 'page' : share >= 0.9 ? 'ticket' : 'warn',
        title: `${percent} % of the budget of the ${period} is spent`,
        summary: `${usd(spent)} of ${usd(cap)}.`,
        action: 'Raise the budget or shorten the idle timeout; when it is spent, new questions are refused.',
        runbook: 'BudgetNearlySpent',
      };
    }
    case 'budget-stop':
      return {
        key: 'budget-stop',
        level: 'page',
        title: 'The budget has stopped the fleet',
        summary: `${event.reason}. Cached answers go on; new questions are refused.`,
        action: 'Raise the budget, or wait for the next period.',
        runbook: 'BudgetNearlySpent',
      };
    case 'provider-refused':
      return {
        key: 'provider-refused',
        level: 'ticket',
        title: 'The GPU market refuses',
        summary: event.reason,
        action: 'Check the key and the credit there.',
        runbook: 'CreditLow',
      };
    case 'machine-lost':
      return {
        key: `machine-lost ${event.label}`,
        level: 'warn',
        title: `Rented machine ${event.label} is lost`,
        summary: event.reason,
        action: 'None if it happens rarely: another is rented when it is needed.',
        runbook: 'InstanceFlapping',
      };
    case 'machine-unfit':
      return undefined;
    case 'orphan-found':
      return {
        key: `orphan-found ${event.label}`,
        level: 'page',
        title: `Rented machine ${event.label} belongs to nothing`,
        summary: 'It carries our label, nothing of ours accounts for it, and it is billed.',
        action: 'Look at the list of instances on the page of the provider, and destroy what should not be there.',
        runbook: 'OrphanInstance',
      };
    case 'meter-drift':
      return {
        key: 'meter-drift',
        level: 'ticket',
        title: 'Our meter and the bill of the provider differ',
        summary: `Metered ${usd(event.metered)}, charged ${usd(event.charged)}.`,
        action: 'Compare the daily charges with the ledger.',
        runbook: 'InvoiceDrift',
      };
    default:
      return unreachable(event);
  }
}

const usd = (amount: UsdMicros): string => `$${(amount / 1e6).toFixed(2)}`;
