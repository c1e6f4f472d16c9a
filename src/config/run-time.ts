/**
 * Settings that may be changed while the gateway runs. What was changed is kept in the data folder and read after the
 * file, so that it outlives a restart; once it is undone, what the file says holds again.
 */
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../core/errors.ts';

/** Numbers that can change with nothing built again: who uses them reads them anew, or is told. */
export const runTimeNames = [
  'cache.ttlMs',
  'cache.falseHitShareMax',
  'fleet.idleTimeoutMs',
  'fleet.spares.max',
] as const;
export type RunTimeName = (typeof runTimeNames)[number];

export interface SettingChange {
  readonly name: RunTimeName;
  readonly value: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

export const isRunTimeName = (name: string): name is RunTimeName => (runTimeNames as readonly string[]).includes(name);

export const changesPath = (dataDir: string): string => join(dataDir, 'settings.json');

const changesSchema = z.strictObject({
  version: z.literal(1),
  changes: z.array(z.strictObject({ name: z.enum(runTimeNames), value: z.number(), at: z.number() })),
});

/** @throws AppError config_invalid: whoever sleeps sooner to save money must not find out on the bill that it was forgotten */
export function readChanges(dataDir: string): readonly SettingChange[] {
  const path = changesPath(dataDir);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw unreadable(path, (error as Error).message, error);
  }
  try {
    return changesSchema.parse(JSON.parse(text)).changes;
  } catch (error) {
    throw unreadable(path, error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message, error);
  }
}

const unreadable = (path: string, why: string, cause: unknown): AppError =>
  new AppError(
    'config_invalid',
    `${path} holds settings that were changed at run time and cannot be read: ${why.slice(0, 500)}; mend it, or move it away to go by the configuration alone`,
    { cause },
  );

export function writeChanges(dataDir: string, changes: readonly SettingChange[]): void {
  const path = changesPath(dataDir);
  const fresh = `${path}.${process.pid}.new`;
  writeFileSync(fresh, `${JSON.stringify({ version: 1, changes }, null, 2)}\n`, { mode: 0o600 });
  // The mode counts at creation only, and a file of a crashed process may be there.
  chmodSync(fresh, 0o600);
  renameSync(fresh, path);
}

/** The file as if it had said so. */
export function withChanges(
  file: unknown,
  changes: readonly Pick<SettingChange, 'name' | 'value'>[],
): Record<string, unknown> {
  const merged = structuredClone(file ?? {}) as Record<string, unknown>;
  for (const { name, value } of changes) {
    const path = name.split('.');
    let at = merged;
    for (const key of path.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>;
    at[path.at(-1)!] = value;
  }
  return merged;
}

export function settingOf(config: object, name: RunTimeName): number | undefined {
  return name
    .split('.')
    .reduce<unknown>((at, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key], config) as
    | number
    | undefined;
}

/** What the file, or its default, says. */
export const writtenOf = (
  config: { readonly changes: readonly (SettingChange & { readonly written: number | undefined })[] },
  name: RunTimeName,
): number | undefined =>
  (config.changes.find((change) => change.name === name) ?? { written: settingOf(config, name) }).written;
