/** The guards as the engine asks them: which veto, which only inform the score. */
import type { GuardName } from '../guard-name.ts';
import { guards as built, type Guard } from '../hit-policy/guards/guards.ts';

export interface EngineGuard {
  readonly name: GuardName;
  /** A hard guard vetoes its candidate; a soft one is an input of the score, as case is unreliable in chat. */
  readonly hard: boolean;
  readonly differs: Guard;
}

const soft: ReadonlySet<GuardName> = new Set(['entity', 'wh']);

/** Every guard there is but `content`, which defines the near-duplicate class. */
export const engineGuards: readonly EngineGuard[] = (Object.entries(built) as [GuardName, Guard][])
  .filter(([name]) => name !== 'content')
  .map(([name, differs]) => ({ name, hard: !soft.has(name), differs }));
