/** Whether it serves, in one word that is never better than the truth. */
import type { StatusReport } from '../../admin/admin-types.ts';

export interface ServingState {
  readonly kind: 'serving' | 'simulated' | 'degraded' | 'down';
  readonly word: string;
  readonly tone: 'good' | 'warn' | 'bad';
  readonly why: string;
}

export function servingState({ thinkers, cache }: Pick<StatusReport, 'thinkers' | 'cache'>): ServingState {
  const ready = thinkers.filter(({ state }) => state === 'ready');
  if (ready.some(({ kind }) => kind !== 'simulated')) {
    const lost = thinkers.length - ready.length;
    return {
      kind: 'serving',
      word: 'Serving',
      tone: 'good',
      why: `${count(ready.length, 'thinker')} ready${lost === 0 ? '' : `, ${lost} not`}`,
    };
  }
  if (ready.length > 0) {
    return {
      kind: 'simulated',
      word: 'Serving (simulated)',
      tone: 'warn',
      why: 'answers are made up: no model runs behind the simulated thinker',
    };
  }
  const trouble = thinkers.length === 0 ? 'there is no thinker' : `no thinker is ready (${states(thinkers)})`;
  if (cache.mode !== 'off' && cache.entries > 0) {
    return {
      kind: 'degraded',
      word: 'Degraded (cache only)',
      tone: 'warn',
      why: `${trouble}; ${count(cache.entries, 'stored answer')} still serve`,
    };
  }
  return { kind: 'down', word: 'Down', tone: 'bad', why: `${trouble}, and no answer is stored` };
}

const count = (n: number, what: string): string => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

function states(thinkers: StatusReport['thinkers']): string {
  const counts = new Map<string, number>();
  for (const { state } of thinkers) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, n]) => `${n} ${state}`).join(', ');
}
