/** Rows of what was charged, in our words. */
import { usdMicros } from '../../../core/units.ts';
import { instanceId, type Charge } from '../../fleet-provider.ts';
import type { WireCharge } from './wire.ts';

const microsPerUsd = 1e6;

/** Nothing for rows that are not about an instance. */
export function chargesOf({ source, items, amount }: WireCharge): Charge[] {
  const id = /^instance-(.+)$/.exec(source ?? '')?.[1];
  if (id === undefined) return [];
  const charge = (component: Charge['component'], usd: number | undefined): Charge[] =>
    usd === undefined ? [] : [{ instanceId: instanceId(id), component, amount: usdMicros(usd * microsPerUsd) }];
  if (!items || items.length === 0) return charge('gpu', amount);
  return items.flatMap(({ type, amount: usd }) => charge(componentOf(type ?? ''), usd));
}

function componentOf(type: string): Charge['component'] {
  if (type === 'disk' || type === 'storage') return 'storage';
  return type === 'bwd' || type === 'bwu' || type.startsWith('bandwidth') ? 'bandwidth' : 'gpu';
}
