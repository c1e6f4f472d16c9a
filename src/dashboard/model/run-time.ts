/** Settings that hold at once: in words, and from the knobs of a replay. */
import type { ChangeSettingRequest, RunTimeSettingView, WhatIfChange, WhatIfReport } from '../../admin/admin-types.ts';
import { formatDuration } from '../../core/format.ts';
import { daysPerMonth } from '../../core/units.ts';
import { share, usd, whole } from './format.ts';

interface Words {
  readonly label: string;
  readonly value: (value: number | undefined) => string;
}

const time = (ms: number): string => formatDuration(ms / 1000);
const words: Readonly<Record<string, Words>> = {
  'cache.ttlMs': { label: 'Stored answers expire after', value: (ms) => (ms === undefined ? 'unset' : time(ms)) },
  'cache.falseHitShareMax': { label: 'Wrong semantic hits, at most', value: share },
  'fleet.idleTimeoutMs': {
    label: 'Machines sleep after',
    value: (ms) => (ms === undefined ? 'as long as idling costs less than a start' : time(ms)),
  },
  'fleet.spares.max': { label: 'Stopped machines, at most', value: whole },
};

export const settingLabel = (name: string): string => words[name]?.label ?? name;
export const settingWords = (name: string, value: number | undefined): string =>
  words[name]?.value(value) ?? String(value ?? 'unset');

export interface Proposal {
  readonly changes: readonly ChangeSettingRequest[];
  /** Knobs that were moved and are no setting, or none that holds without a restart. */
  readonly others: readonly (keyof WhatIfChange)[];
}

export function proposalOf(change: WhatIfChange, here: readonly RunTimeSettingView[]): Proposal {
  const changes: ChangeSettingRequest[] = [];
  const others: (keyof WhatIfChange)[] = [];
  for (const knob of Object.keys(change) as (keyof WhatIfChange)[]) {
    const setting = settingOf(knob, change[knob]);
    if (setting === undefined || !here.some(({ name }) => name === setting.name)) others.push(knob);
    else changes.push(setting);
  }
  return { changes, others };
}

function settingOf(knob: keyof WhatIfChange, value: number | undefined): ChangeSettingRequest | undefined {
  if (value === undefined) return undefined;
  switch (knob) {
    case 'ttlMs':
      return { name: 'cache.ttlMs', value };
    case 'target':
      return { name: 'cache.falseHitShareMax', value };
    case 'idleS':
      // 0 is `never`, which is what `fleet.thinkersMin` is for.
      return value === 0 ? undefined : { name: 'fleet.idleTimeoutMs', value: value * 1000 };
    case 'sparesMax':
      return { name: 'fleet.spares.max', value };
    default:
      return undefined;
  }
}

/** What a replay says a change comes to: in a month, or in what was recorded where that is less than a day. */
export function effectOf({ recorded, scenario, days }: WhatIfReport): readonly string[] {
  const says: string[] = [];
  const isLong = days >= 1;
  const span = isLong ? `${Number(days.toFixed(1))} days` : formatDuration(days * 86_400);
  if (recorded.costUsd !== undefined && scenario.costUsd !== undefined) {
    const usdMore = (scenario.costUsd - recorded.costUsd) * (isLong ? daysPerMonth / days : 1);
    const amount = usd(Math.abs(usdMore) * 1e6);
    const than = usdMore < 0 ? 'less' : 'more';
    says.push(
      Math.abs(usdMore) < (isLong ? 0.01 : 1e-6)
        ? 'It costs what it costs now.'
        : isLong
          ? `It costs about ${amount} a month ${than}.`
          : `It would have cost ${amount} ${than}.`,
    );
  } else says.push('What it costs is not known: your thinkers have no price.');
  if (recorded.hitShare !== scenario.hitShare)
    says.push(`${share(scenario.hitShare)} are answered from the cache instead of ${share(recorded.hitShare)}.`);
  const waits = (scenario.coldWaits - recorded.coldWaits) / (isLong ? days : 1);
  if (waits !== 0)
    says.push(
      `Waits for a start: ${Number(Math.abs(waits).toPrecision(2))} ${waits > 0 ? 'more' : 'fewer'}${isLong ? ' a day' : ''}.`,
    );
  says.push(`So a replay of ${span} of traffic says, as if it went on as it was.`);
  return says;
}
