/** The configuration as it holds, one row an option, with nothing secret in it. */
import type { SettingsView } from '../admin/admin-types.ts';
import type { RunTimeSettings } from './run-time-settings.ts';
import { configSchema, type Config } from '../config/schema.ts';

type Row = SettingsView['settings'][number];

/** Longer values, such as long lists, are cut: the file has them. */
const charsMax = 300;

export function createSettings(config: Config, runTime: Pick<RunTimeSettings, 'view'>): () => SettingsView {
  return () => {
    const defaults = new Map(rowsOf(configSchema.parse({})));
    const file = Object.fromEntries(Object.keys(configSchema.shape).map((key) => [key, config[key as keyof Config]]));
    const changeable = runTime.view();
    const now = new Map(rowsOf(file));
    for (const { name, value } of changeable)
      if (value === undefined) now.delete(name);
      else now.set(name, String(value));
    return {
      source: config.source,
      settings: [...now].map(([name, value]): Row => ({ name, value, isDefault: defaults.get(name) === value })),
      runTime: changeable,
    };
  };
}

function rowsOf(value: unknown, path: readonly string[] = []): [string, string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([key, inner]) => rowsOf(inner, [...path, key]));
  if (value === undefined) return [];
  return [[path.join('.'), textOf(value)]];
}

function textOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const shown = withoutSecrets(text);
  return shown.length > charsMax ? `${shown.slice(0, charsMax)}…` : shown;
}

/** Addresses may carry a password or a token, and those of webhooks are secrets from their path on. */
export const withoutSecrets = (text: string): string =>
  text
    .replace(/(\w+:\/\/)[^/@\s"]+@/g, '$1[redacted]@')
    .replace(/(https?:\/\/[^\s"?]+)\?[^\s"]+/g, '$1?[redacted]')
    .replace(/(https:\/\/(?:hooks\.slack\.com|discord(?:app)?\.com\/api\/webhooks))\/[^"\s]+/g, '$1/[redacted]');
