/** The configuration as it holds, one row an option, with nothing secret in it. */
import type { SettingsView } from '../admin/admin-types.ts';
import { configSchema, type Config } from '../config/schema.ts';

type Row = SettingsView['settings'][number];

/** Longer values, such as long lists, are cut: the file has them. */
const charsMax = 300;

export function createSettings(config: Config): () => SettingsView {
  return () => {
    const defaults = new Map(rowsOf(configSchema.parse({})));
    const file = Object.fromEntries(Object.keys(configSchema.shape).map((key) => [key, config[key as keyof Config]]));
    return {
      source: config.source,
      settings: rowsOf(file).map(([name, value]): Row => ({ name, value, isDefault: defaults.get(name) === value })),
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
