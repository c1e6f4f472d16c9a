/** docs/reference/config.md and config.example.yaml, from the schema. */
import { configOptions, type Option } from './options.ts';

/** What options without a default look like when someone sets them; in the example file they are commented out. */
const samples: Readonly<Record<string, unknown>> = {
  dataDir: '/var/lib/llm-self-host',
  'gateway.apiKeysFile': '/etc/llm-self-host/api-keys',
  'keys.file': '/etc/llm-self-host/keys.json',
  'keys.byAddress.*.from': '10.1.0.0/16',
  'keys.byAddress.*.tenant': 'office',
  'keys.byAddress.*.limits.requestsPerMinute': 60,
  'keys.byAddress.*.limits.tokensPerMinute': 20_000,
  'keys.byAddress.*.limits.usdPerDay': 2,
  'admin.keyFile': '/etc/llm-self-host/admin-key',
  'alerts.channels.*.kind': 'ntfy',
  'alerts.channels.*.name': 'phone',
  'alerts.channels.*.secretFile': '/etc/llm-self-host/ntfy-token',
  'alerts.channels.*.secretEnv': 'NTFY_TOKEN',
  'alerts.channels.*.url': 'https://ntfy.example',
  'alerts.channels.*.topic': 'llm-self-host',
  'alerts.channels.*.host': 'smtp.example',
  'alerts.channels.*.port': 587,
  'alerts.channels.*.user': 'gateway@example.com',
  'alerts.channels.*.from': 'gateway@example.com',
  'alerts.channels.*.to': ['you@example.com'],
  'alerts.quietHours.from': '22:00',
  'alerts.quietHours.to': '07:00',
  'telemetry.otlp.url': 'http://127.0.0.1:4318',
  'telemetry.otlp.headersFile': '/etc/llm-self-host/otlp-headers',
  'telemetry.metricsTokenFile': '/etc/llm-self-host/metrics-token',
  'admin.viewerKeyFile': '/etc/llm-self-host/viewer-key',
  'thinkers.*.url': 'http://gpu.example:11434',
  'thinkers.*.name': 'gpu',
  'thinkers.*.bearerFile': '/etc/llm-self-host/gpu-bearer',
  'models.default.numCtx': 8192,
  'models.byName.<name>.numCtx': 32_768,
  'cache.judge.model': 'llama3.2',
  'cache.similarityMin': 0.97,
  'money.fixedPerMonth.*.name': 'gateway machine',
  'money.fixedPerMonth.*.usd': 30,
  'money.tokenApi.<name>.inputUsdPerMillion': 0.15,
  'money.tokenApi.<name>.outputUsdPerMillion': 0.6,
  'money.tokenApi.<name>.pricedOn': '2026-06-15',
  'money.wrongAnswerUsd': 0.1,
  'money.cachePerMonthUsd': 10,
  'embedding.folder': '/var/lib/llm-self-host/models/all-MiniLM-L6-v2',
  'embedding.downloadUrl': 'https://files.example/all-MiniLM-L6-v2/',
  'embedding.endpoint.url': 'http://127.0.0.1:11434',
  'embedding.endpoint.bearerFile': '/etc/llm-self-host/embedding-bearer',
  'embedding.endpoint.similarityMin': 0.9,
  'fleet.model': 'qwen2:7b-instruct-q6_K',
  'fleet.caps.perHourUsd': 2,
  'fleet.caps.perDayUsd': 10,
  'fleet.caps.perMonthUsd': 100,
  'fleet.caps.perRentalUsd': 5,
  'fleet.schedule.*.days': ['mon', 'tue', 'wed', 'thu', 'fri'],
  'fleet.schedule.*.from': '08:30',
  'fleet.schedule.*.to': '18:00',
  'fleet.schedule.*.thinkersMin': 1,
  'fleet.idleTimeoutMs': 900_000,
  'fleet.vast.keyFile': '/etc/llm-self-host/vast-key',
  'fallback.url': 'https://api.example.com/v1',
  'fallback.model': 'small-model',
  'fallback.models': ['qwen2:7b-instruct-q6_K'],
  'fallback.keyFile': '/etc/llm-self-host/fallback-key',
  'fallback.inputUsdPerMillion': 0.15,
  'fallback.outputUsdPerMillion': 0.6,
  'fallback.perDayUsd': 1,
  'redis.url': 'rediss://redis-12000.example.com:12000',
  'redis.username': 'llm-self-host',
  'redis.passwordFile': '/etc/llm-self-host/redis-password',
  'redis.tls.caFile': '/etc/llm-self-host/redis-ca.pem',
  'redis.tls.certFile': '/etc/llm-self-host/redis-client.pem',
  'redis.tls.keyFile': '/etc/llm-self-host/redis-client.key',
  'redis.tls.servername': 'redis.example.com',
  'redis.sentinel.name': 'mymaster',
  'redis.sentinel.passwordFile': '/etc/llm-self-host/sentinel-password',
};
const sampleModel = 'llama3.2';

/** Ends the line of an empty list or map that an example follows. */
export const exampleMark = '  # in its place, for instance:';

export function configExample(): string {
  return [
    '# Every option with its default. All may be left out; unknown ones are refused.',
    '# Sentences begin with a # and one space; any other # hides an option that is not set by default.',
    '# Order: defaults, this file, settings changed at run time, SELFHOST_… variables, the command line.',
    '# Secrets come from files or variables.',
    '',
    ...configOptions().flatMap((option) => [...yamlOf(option, '', false), '']),
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

/** @param off everything below is commented out, because what holds it is. */
function yamlOf(option: Option, indent: string, off: boolean): string[] {
  const key = option.path.at(-1)!;
  const mark = off || option.fallback === undefined ? '#' : '';
  const comment = commentOf(option, indent);
  const { inner } = option;
  if (inner?.kind === 'object') {
    const children = inner.options.flatMap((child) => yamlOf(child, `${indent}  `, mark === '#'));
    return [...comment, `${indent}${mark}${key}:`, ...children];
  }
  const value = option.fallback ?? samples[option.path.join('.')];
  if (value === undefined) throw new Error(`scripts/reference/config.ts needs a sample of ${option.path.join('.')}`);
  if (!inner) return [...comment, `${indent}${mark}${key}: ${scalar(value)}`];
  const [first, ...rest] = inner.options
    .flatMap((child) => yamlOf(child, '', true))
    .map((line) => line.replace(/^(\s*)#(?! )/, '$1'));
  const example =
    inner.kind === 'list'
      ? [...itemLines([first!, ...rest])]
      : [`  ${sampleModel}:`, ...[first!, ...rest].map((line) => `    ${line}`)];
  return [
    ...comment,
    `${indent}${key}: ${inner.kind === 'list' ? '[]' : '{}'}${exampleMark}`,
    ...example.map((line) => (line.trimStart().startsWith('#') ? indent + line : `${indent}#${line}`)),
  ];
}

/** The dash of a list item goes before its first option; comments stay above. */
function itemLines(lines: readonly string[]): string[] {
  let dashed = false;
  return lines.map((line) => {
    if (line.startsWith('#')) return `    ${line}`;
    const start = dashed ? '    ' : '  - ';
    dashed = true;
    return start + line;
  });
}

function commentOf({ description, type, inner }: Option, indent: string): string[] {
  if (inner && description === '') return [];
  const detail = inner ? '' : ` (${type.replaceAll('`', '')})`;
  return wrap(`${description}${detail}`.trim(), 108 - indent.length).map((line) => `${indent}# ${line}`);
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

/** Words that older YAML readers take for a number or a boolean are quoted. */
const scalar = (value: unknown): string =>
  typeof value === 'string' && /^[\w./-]+$/.test(value) && !/^([\d.]+|on|off|yes|no|true|false)$/.test(value)
    ? value
    : JSON.stringify(value);

export function configReference(): string {
  return [
    '# Configuration',
    '',
    'Every option of the configuration file. `config.example.yaml` holds the same options, ready to be changed.',
    '',
    'Order: defaults, the file (`--config`, `SELFHOST_CONFIG`), [settings changed at run',
    'time](../dashboard.md#settings-that-change-at-once), the environment, the command line. Unknown options are errors. Secrets',
    'come from a file or from the environment, never from the configuration itself.',
    '',
    '| variable | what it sets |',
    '|---|---|',
    ...variables.map(([name, what]) => `| \`${name}\` | ${what} |`),
    '',
    '| option | type | default | what it does |',
    '|---|---|---|---|',
    ...rowsOf(configOptions()),
    '',
  ].join('\n');
}

const variables: readonly (readonly [name: string, what: string])[] = [
  ['SELFHOST_CONFIG', 'path of the configuration file'],
  ['SELFHOST_PORT', '`gateway.port`'],
  ['SELFHOST_ADMIN_PORT', '`admin.port`'],
  ['SELFHOST_DATA_DIR', '`dataDir`'],
  ['SELFHOST_API_KEYS', '`tenant:key,…`: keys of the gateway, beside `gateway.apiKeysFile`'],
  ['SELFHOST_ADMIN_KEY', 'key of the operator port, in place of `admin.keyFile`; commands send it, too'],
  ['SELFHOST_METRICS_TOKEN', 'token that opens `/metrics` alone, in place of `telemetry.metricsTokenFile`'],
  ['SELFHOST_API_KEY', 'key that `ask` sends to the gateway'],
  ['SELFHOST_URL', 'gateway that commands speak to'],
  ['SELFHOST_ADMIN_URL', 'operator port that commands speak to'],
  ['SELFHOST_VAST_API_KEY', 'API key of the account at vast.ai, in place of `fleet.vast.keyFile`'],
  ['SELFHOST_FALLBACK_API_KEY', 'API key of the fallback, in place of `fallback.keyFile`'],
  ['OLLAMA_HOST', 'Ollama to look for when no thinkers are listed'],
];

function rowsOf(options: readonly Option[]): string[] {
  return options.flatMap((option) => {
    const { path, type, description, fallback, inner } = option;
    const name = path.join('.').replace('.*.', '[].').replace('.*', '[]');
    const row = `| \`${name}\` | ${type.replaceAll('|', '\\|')} | ${shown(fallback)} | ${description.replaceAll('|', '\\|')} |`;
    if (!inner) return [row];
    const own = inner.kind === 'object' && description === '' ? [] : [row];
    return [...own, ...rowsOf(inner.options)];
  });
}

function shown(value: unknown): string {
  if (value === undefined) return 'none';
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject && Object.keys(value).length > 0 ? 'as below' : `\`${JSON.stringify(value)}\``;
}
