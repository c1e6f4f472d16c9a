/** The guards as the engine asks them: which veto, which only inform the score. */
import type { GuardName } from '../guard-name.ts';
import { guards as built, type Guard } from '../hit-policy/guards/guards.ts';

export interface EngineGuard {
  readonly name: GuardName;
  /** A hard guard vetoes its candidate; a soft one is an input of the score. */
  readonly hard: boolean;
  readonly differs: Guard;
}

/** What `wh` means depends on the rest of the question: `exchange.ts` refuses where it decides. */
const soft: ReadonlySet<GuardName> = new Set(['wh']);

/** Every guard there is but `content`, which defines the near-duplicate class. */
export const engineGuards: readonly EngineGuard[] = (Object.entries(built) as [GuardName, Guard][])
  .filter(([name]) => name !== 'content')
  .map(([name, differs]) => ({ name, hard: !soft.has(name), differs }));
