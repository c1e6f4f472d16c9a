/** Defaults, the file, what was changed at run time, the environment, the command line → one frozen Config or one precise error. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { AppError } from '../core/errors.ts';
import { changesPath, readChanges, settingOf, withChanges, type RunTimeName } from './run-time.ts';
import { readSecret } from './read-secret.ts';
import { readAlertSecrets, readOtlpHeaders } from './telling-secrets.ts';
import { configSchema, type ApiKey, type Config, type FileConfig } from './schema.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the command line may say; each wins over the environment and the file. */
export interface Overrides {
  readonly config?: string | undefined;
  readonly port?: string | undefined;
  readonly adminPort?: string | undefined;
  readonly dataDir?: string | undefined;
  /** For what stops machines, which must work whatever is in that file. */
  readonly changedAtRunTime?: 'ignored';
}

/** @throws AppError config_invalid naming the option, its value and the remedy */
export async function loadConfig(environment: Environment, overrides: Overrides = {}): Promise<Config> {
  const source = overrides.config ?? environment['SELFHOST_CONFIG'];
  const file = source === undefined ? {} : await readConfigFile(source);
  return resolveConfig(file, environment, overrides, source);
}

export function resolveConfig(
  file: unknown,
  environment: Environment,
  overrides: Overrides = {},
  source?: string,
): Config {
  const written = parse(file, source ?? 'configuration');
  const dataDir = resolve(
    overrides.dataDir ?? environment['SELFHOST_DATA_DIR'] ?? written.dataDir ?? defaultDataDir(environment),
  );
  const changes = overrides.changedAtRunTime === 'ignored' ? [] : readChanges(dataDir);
  const parsed = changes.length === 0 ? written : parse(withChanges(file, changes), changesPath(dataDir));
  const gatewayPort =
    portOf('--port', overrides.port) ?? portOf('SELFHOST_PORT', environment['SELFHOST_PORT']) ?? parsed.gateway.port;
  const adminPort =
    portOf('--admin-port', overrides.adminPort) ??
    portOf('SELFHOST_ADMIN_PORT', environment['SELFHOST_ADMIN_PORT']) ??
    parsed.admin.port;
  const apiKeys = readApiKeys(parsed, environment);
  const adminKey =
    environment['SELFHOST_ADMIN_KEY'] ??
    (parsed.admin.keyFile === undefined ? undefined : readSecret('admin.keyFile', parsed.admin.keyFile));
  const metricsToken =
    environment['SELFHOST_METRICS_TOKEN'] ??
    (parsed.telemetry.metricsTokenFile === undefined
      ? undefined
      : readSecret('telemetry.metricsTokenFile', parsed.telemetry.metricsTokenFile));
  const viewerKey =
    environment['SELFHOST_VIEWER_KEY'] ??
    (parsed.admin.viewerKeyFile === undefined
      ? undefined
      : readSecret('admin.viewerKeyFile', parsed.admin.viewerKeyFile));
  const config: Config = {
    ...parsed,
    gateway: { ...parsed.gateway, port: gatewayPort },
    admin: { ...parsed.admin, port: adminPort },
    redis: { ...parsed.redis, url: environment['SELFHOST_REDIS_URL'] || parsed.redis.url },
    dataDir,
    apiKeys,
    adminKeySha256: adminKey === undefined ? undefined : sha256(adminKey),
    metricsTokenSha256: metricsToken === undefined ? undefined : sha256(metricsToken),
    viewerKeySha256: viewerKey === undefined ? undefined : sha256(viewerKey),
    bearers: readBearers(parsed),
    vastKey: readVastKey(parsed, environment),
    fallbackKey: readFallbackKey(parsed, environment),
    alertSecrets: readAlertSecrets(parsed, environment),
    otlpHeaders: readOtlpHeaders(parsed),
    ollamaHost: environment['OLLAMA_HOST'] || undefined,
    source,
    changes: changes.map((change) => ({ ...change, written: settingOf(written, change.name) })),
  };
  refuseOpenDoors(config);
  refuseOpenPurse(config);
  return deepFreeze(config);
}

function parse(file: unknown, source: string): FileConfig {
  const result = configSchema.safeParse(file ?? {});
  if (result.success) return result.data;
  const lines = result.error.issues.slice(0, 10).map((issue) => `  ${explainIssue(issue, file)}`);
  throw new AppError('config_invalid', `${source} is not valid:\n${lines.join('\n')}`);
}

/** @throws AppError config_invalid naming the option, its value and what is expected */
export function checkSetting(name: RunTimeName, value: number): void {
  parse(withChanges({}, [{ name, value }]), 'the change');
}

function explainIssue(issue: z.core.$ZodIssue, file: unknown): string {
  const path = issue.path.map(String).join('.') || '(top level)';
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(issue.path);
    return issue.keys
      .map((key) => {
        const near = nearest(key, known);
        const at = issue.path.length === 0 ? key : `${path}.${key}`;
        return `${at} is unknown${near ? `; did you mean \`${near}\`?` : `; known here: ${known.join(', ')}`}`;
      })
      .join('\n  ');
  }
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], file);
  return `${path} is ${JSON.stringify(value) ?? 'missing'}; ${issue.message.replace(/^Invalid input: /, '')}`;
}

function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema: unknown = configSchema;
  for (const key of ['', ...path]) {
    if (key !== '') {
      const shape = (schema as { shape?: Record<string, unknown> }).shape;
      schema =
        shape?.[String(key)] ??
        (schema as { element?: unknown }).element ??
        (schema as { valueType?: unknown }).valueType;
    }
    while (schema && (schema as { def?: { innerType?: unknown } }).def?.innerType) {
      schema = (schema as { def: { innerType: unknown } }).def.innerType;
    }
  }
  return Object.keys((schema as { shape?: object } | undefined)?.shape ?? {});
}

/** Known name within edit distance 3, if any. */
function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = 4;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

async function readConfigFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError('config_invalid', `cannot read the configuration file ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  // Loaded only when there is a file: parsing YAML costs 50 ms of start-up.
  const yaml = await import('yaml');
  try {
    return yaml.parse(text) as unknown;
  } catch (error) {
    throw new AppError('config_invalid', `${path} is not valid YAML: ${(error as Error).message}`, { cause: error });
  }
}

function portOf(name: string, value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new AppError(
      'config_invalid',
      `${name} is \`${value}\`; expected a port from 0 to 65535 (0 picks a free one)`,
    );
  }
  return number;
}

function defaultDataDir(environment: Environment): string {
  const base = environment['XDG_DATA_HOME'] || join(environment['HOME'] || homedir(), '.local', 'share');
  return join(base, 'llm-self-host');
}

function readBearers(config: FileConfig): Record<string, string> {
  const bearers: Record<string, string> = {};
  config.thinkers.forEach((thinker, index) => {
    if (thinker.bearerFile !== undefined)
      bearers[thinker.url] = readSecret(`thinkers.${index}.bearerFile`, thinker.bearerFile);
  });
  const endpoint = config.embedding.endpoint;
  if (endpoint?.bearerFile !== undefined)
    bearers[endpoint.url] = readSecret('embedding.endpoint.bearerFile', endpoint.bearerFile);
  return bearers;
}

function readVastKey({ fleet }: FileConfig, environment: Environment): string | undefined {
  const { keyFile } = fleet.vast;
  if (fleet.provider === 'off') return undefined;
  return environment['SELFHOST_VAST_API_KEY'] || (keyFile && readSecret('fleet.vast.keyFile', keyFile)) || undefined;
}

function readFallbackKey({ fallback }: FileConfig, environment: Environment): string | undefined {
  if (fallback === undefined) return undefined;
  const { keyFile } = fallback;
  return environment['SELFHOST_FALLBACK_API_KEY'] || (keyFile && readSecret('fallback.keyFile', keyFile)) || undefined;
}

/** Nothing is rented without a model, a key, and a cap on every way to spend. */
function refuseOpenPurse({ fleet, vastKey }: Config): void {
  if (fleet.provider === 'off') return;
  const missing =
    fleet.model === undefined
      ? 'fleet.model: the model that rented machines serve'
      : fleet.caps === undefined
        ? 'fleet.caps: perHourUsd, perDayUsd, perMonthUsd and perRentalUsd, the most that may be spent'
        : vastKey === undefined
          ? 'fleet.vast.keyFile or SELFHOST_VAST_API_KEY: the API key of the account'
          : undefined;
  if (missing !== undefined)
    throw new AppError('config_invalid', `fleet.provider is ${fleet.provider} and ${missing} is missing`);
  if (fleet.thinkersMin > fleet.thinkersMax)
    throw new AppError(
      'config_invalid',
      `fleet.thinkersMin is ${fleet.thinkersMin}, above fleet.thinkersMax, which is ${fleet.thinkersMax}`,
    );
}

const keyLengthMin = 16; // shorter keys can be guessed

function readApiKeys(config: FileConfig, environment: Environment): ApiKey[] {
  const keys: ApiKey[] = [];
  const add = (where: string, tenant: string | undefined, key: string | undefined) => {
    if (!tenant || !key || !/^[\w.-]{1,64}$/.test(tenant)) {
      throw new AppError('config_invalid', `${where}: expected a tenant name (letters, digits, . _ -) and a key`);
    }
    if (key.length < keyLengthMin) {
      throw new AppError(
        'config_invalid',
        `${where}: the key of tenant \`${tenant}\` has ${key.length} characters; use at least ${keyLengthMin}`,
      );
    }
    keys.push({ tenant, sha256: sha256(key) });
  };
  if (config.gateway.apiKeysFile !== undefined) {
    const lines = readSecret('gateway.apiKeysFile', config.gateway.apiKeysFile).split('\n');
    lines.forEach((line, index) => {
      const text = line.trim();
      if (text === '' || text.startsWith('#')) return;
      const [tenant, key] = text.split(/\s+/);
      add(`${config.gateway.apiKeysFile} line ${index + 1}`, tenant, key);
    });
  }
  for (const pair of (environment['SELFHOST_API_KEYS'] ?? '').split(',').filter((part) => part.trim() !== '')) {
    const [tenant, ...key] = pair.split(':');
    add('SELFHOST_API_KEYS', tenant?.trim(), key.join(':').trim());
  }
  return keys;
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Tells two configurations apart and gives nothing away: secrets stay out of it, so they cannot be guessed from it. */
export function configHash(config: Config): string {
  const {
    apiKeys: _keys,
    adminKeySha256: _key,
    metricsTokenSha256: _token,
    bearers: _bearers,
    vastKey: _vastKey,
    fallbackKey: _fallbackKey,
    alertSecrets: _secrets,
    otlpHeaders: _headers,
    changes: _changes,
    ...rest
  } = config;
  return sha256(JSON.stringify(rest)).slice(0, 12);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Where keys made at run time are kept. */
export const keysFile = (config: Pick<Config, 'keys' | 'dataDir'>): string =>
  config.keys.file ?? join(config.dataDir, 'keys.json');

/** An unguarded door to the network would give away GPU time and cached answers. */
function refuseOpenDoors(config: Config): void {
  const someKey = config.apiKeys.length > 0 || config.keys.byAddress.length > 0 || existsSync(keysFile(config));
  if (!isLoopback(config.gateway.host) && !someKey) {
    throw new AppError(
      'config_invalid',
      `gateway.host is ${config.gateway.host}, which others can reach, and no API keys are configured; ` +
        'set gateway.apiKeysFile (one `tenant key` a line) or SELFHOST_API_KEYS=tenant:key, make one with `llm-self-host keys create` while it listens on 127.0.0.1, or stay there',
    );
  }
  if (!isLoopback(config.admin.host) && config.adminKeySha256 === undefined) {
    throw new AppError(
      'config_invalid',
      `admin.host is ${config.admin.host}, which others can reach, and no operator key is configured; ` +
        'set admin.keyFile or SELFHOST_ADMIN_KEY, or listen on 127.0.0.1',
    );
  }
  if (config.viewerKeySha256 !== undefined && config.adminKeySha256 === undefined) {
    throw new AppError(
      'config_invalid',
      'a viewer key is set (admin.viewerKeyFile or SELFHOST_VIEWER_KEY) and no operator key, so everybody on this ' +
        'machine is the operator; set admin.keyFile or SELFHOST_ADMIN_KEY as well',
    );
  }
  if (config.viewerKeySha256 !== undefined && config.viewerKeySha256 === config.adminKeySha256) {
    throw new AppError(
      'config_invalid',
      'the viewer key is the operator key, so whoever looks may also change things; use two keys',
    );
  }
  if (config.embedding.kind === 'endpoint' && config.embedding.endpoint === undefined) {
    throw new AppError(
      'config_invalid',
      'embedding.kind is endpoint and embedding.endpoint is missing; set its url, api and model',
    );
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
