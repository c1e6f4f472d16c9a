/** Secrets of those who are told: channels of alerts, and the collector of traces. */
import { AppError } from '../core/errors.ts';
import { readSecret } from './read-secret.ts';
import type { FileConfig } from './schema.ts';

export function readAlertSecrets(
  config: FileConfig,
  environment: Readonly<Record<string, string | undefined>>,
): (string | undefined)[] {
  return config.alerts.channels.map(({ kind, secretFile, secretEnv }, index) => {
    const at = `alerts.channels.${index}`;
    const secret =
      secretEnv === undefined
        ? secretFile && readSecret(`${at}.secretFile`, secretFile)
        : environment[secretEnv]?.trim() || undefined;
    if (secretEnv !== undefined && secret === undefined) {
      throw new AppError('config_invalid', `${at}.secretEnv: the environment variable ${secretEnv} is not set`);
    }
    const isUrl = secret !== undefined && URL.canParse(secret) && /^https?:/.test(secret);
    if ((kind === 'slack' || kind === 'discord') && !isUrl) {
      throw new AppError('config_invalid', `${at}: its secret is not a URL; copy the whole address of the webhook`);
    }
    return secret;
  });
}

export function readOtlpHeaders({ telemetry }: FileConfig): Record<string, string> {
  const path = telemetry.otlp?.headersFile;
  if (path === undefined) return {};
  const lines = readSecret('telemetry.otlp.headersFile', path).split('\n');
  return Object.fromEntries(
    lines.flatMap((line, index) => {
      if (line.trim() === '' || line.startsWith('#')) return [];
      const [, name, value] = /^([\w-]+):\s*(\S.*)$/.exec(line.trim()) ?? [];
      if (name === undefined || value === undefined)
        throw new AppError('config_invalid', `${path} line ${index + 1}: expected \`name: value\``);
      return [[name.toLowerCase(), value] as const];
    }),
  );
}
