/** Settings that an operator may change while the gateway runs: as they hold now, and kept for the next start. */
import type { RunTimeSettingView } from '../admin/admin-types.ts';
import { checkSetting } from '../config/load.ts';
import { isRunTimeName, runTimeNames, writeChanges, writtenOf, type RunTimeName } from '../config/run-time.ts';
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface RunTimeSettings {
  readonly cacheTtlMs: () => number;
  /** undefined: when idling has cost a start. */
  readonly fleetIdleTimeoutMs: () => number | undefined;
  readonly fleetSparesMax: () => number;
  /** Those that change something here. */
  view(): readonly RunTimeSettingView[];
  /** @throws AppError bad_request; nothing is changed then */
  change(name: string, value: number): SettingStep;
  /** Told after each change, and each that was undone. */
  onChange(listener: (step: SettingStep) => void): void;
  /** What the configuration says holds again. @throws AppError bad_request */
  undo(name: string): SettingStep;
}

export interface SettingStep {
  readonly name: RunTimeName;
  readonly before: number | undefined;
  readonly after: number | undefined;
}

export function createRunTimeSettings(
  config: Pick<Config, 'changes' | 'dataDir' | 'fleet' | 'cache'>,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): RunTimeSettings {
  const changes = new Map(config.changes.map((change) => [change.name, change]));
  const written = (name: RunTimeName): number | undefined => writtenOf(config, name);
  const valueOf = (name: RunTimeName): number | undefined => changes.get(name)?.value ?? written(name);
  const useless: Partial<Record<RunTimeName, string>> = {
    ...(config.fleet.provider === 'off' && {
      'fleet.idleTimeoutMs': 'no machine is rented (fleet.provider is off)',
      'fleet.spares.max': 'no machine is rented (fleet.provider is off)',
    }),
    ...(config.cache.policy !== 'certified' && {
      'cache.falseHitShareMax': `cache.policy is ${config.cache.policy}`,
    }),
  };
  const here = runTimeNames.filter((name) => useless[name] === undefined);
  const listeners: ((step: SettingStep) => void)[] = [];

  function known(name: string): RunTimeName {
    if (!isRunTimeName(name))
      throw new AppError(
        'bad_request',
        `${name.slice(0, 100)} cannot be changed while the gateway runs; ${here.join(', ')} can`,
      );
    const why = useless[name];
    if (why !== undefined) throw new AppError('bad_request', `${name} changes nothing here: ${why}`);
    return name;
  }

  /** On disk first: what cannot be kept does not hold either. */
  function step(name: RunTimeName, act: () => void): SettingStep {
    const before = valueOf(name);
    const kept = changes.get(name);
    act();
    try {
      writeChanges(
        config.dataDir,
        [...changes.values()].map(({ name: of, value, at }) => ({ name: of, value, at })),
      );
    } catch (error) {
      if (kept) changes.set(name, kept);
      else changes.delete(name);
      throw error;
    }
    const after = valueOf(name);
    logger.info({ setting: name, before, after }, 'a setting was changed');
    const done = { name, before, after };
    for (const listener of listeners) listener(done);
    return done;
  }

  return {
    cacheTtlMs: () => valueOf('cache.ttlMs')!,
    fleetIdleTimeoutMs: () => valueOf('fleet.idleTimeoutMs'),
    fleetSparesMax: () => valueOf('fleet.spares.max')!,
    view: () =>
      here.map((name) => ({
        name,
        value: valueOf(name),
        written: written(name),
        changedAt: changes.get(name)?.at,
      })),
    change(asked, value) {
      const name = known(asked);
      try {
        checkSetting(name, value);
      } catch (error) {
        throw new AppError('bad_request', (error as Error).message, { cause: error });
      }
      return step(name, () => changes.set(name, { name, value, at: clock.now(), written: written(name) }));
    },
    onChange: (listener) => void listeners.push(listener),
    undo(asked) {
      const name = known(asked);
      if (!changes.has(name)) throw new AppError('bad_request', `${name} is as the configuration says`);
      return step(name, () => changes.delete(name));
    },
  };
}
