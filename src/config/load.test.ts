import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { parse } from 'yaml';
import { exampleMark } from '../../scripts/reference/config.ts';
import { configOptions, type Option } from '../../scripts/reference/options.ts';
import { AppError } from '../core/errors.ts';
import { isLoopback, loadConfig, resolveConfig, sha256 } from './load.ts';
import { configSchema } from './schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'selfhost-config-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const home = { HOME: '/home/ada' };
const key = 'a-key-of-sixteen-letters';

/** The message of the refusal; fails when there is none. */
function refusalOf(resolve: () => unknown): string {
  try {
    resolve();
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'config_invalid', String(error));
    return error.message;
  }
  return assert.fail('the configuration was accepted');
}

describe('configuration: who wins', () => {
  it('needs nothing: the defaults make a gateway on loopback', () => {
    const config = resolveConfig({}, home);
    assert.deepEqual(
      [config.gateway.host, config.gateway.port, config.admin.host, config.admin.port],
      ['127.0.0.1', 11_435, '127.0.0.1', 11_436],
    );
    assert.equal(config.dataDir, '/home/ada/.local/share/llm-self-host');
    assert.equal(config.source, undefined);
    assert.deepEqual([config.apiKeys, config.adminKeySha256, config.ollamaHost], [[], undefined, undefined]);
  });

  it('takes the command line over the environment over the file over the default', async () => {
    const path = file('order.yaml', 'dataDir: /from/file\ngateway:\n  port: 1000\nadmin:\n  port: 2000\n');
    const environment = { ...home, SELFHOST_PORT: '1001', SELFHOST_DATA_DIR: '/from/environment' };
    const ports = async (environment: Record<string, string>, overrides = {}) => {
      const { gateway, admin, dataDir } = await loadConfig(environment, { config: path, ...overrides });
      return [gateway.port, admin.port, dataDir];
    };
    assert.deepEqual(await ports(home), [1000, 2000, '/from/file']);
    assert.deepEqual(await ports(environment), [1001, 2000, '/from/environment']);
    assert.deepEqual(await ports(environment, { port: '0', adminPort: '3', dataDir: '/from/line' }), [
      0,
      3,
      '/from/line',
    ]);
  });

  it('finds its file by SELFHOST_CONFIG, and the command line finds another', async () => {
    const one = file('one.yaml', 'cache:\n  mode: off\n');
    const two = file('two.yaml', 'cache:\n  mode: exact-only\n');
    const environment = { ...home, SELFHOST_CONFIG: one };
    assert.equal((await loadConfig(environment)).cache.mode, 'off');
    const config = await loadConfig(environment, { config: two });
    assert.deepEqual([config.cache.mode, config.source], ['exact-only', two]);
  });

  it('keeps data in XDG_DATA_HOME when it is set', () => {
    assert.equal(resolveConfig({}, { ...home, XDG_DATA_HOME: '/data' }).dataDir, '/data/llm-self-host');
  });

  it('treats empty variables as absent', () => {
    const environment = { ...home, SELFHOST_PORT: '', SELFHOST_API_KEYS: '', OLLAMA_HOST: '' };
    const config = resolveConfig({}, environment);
    assert.deepEqual([config.gateway.port, config.apiKeys, config.ollamaHost], [11_435, [], undefined]);
  });

  it('is frozen all the way down', () => {
    const config = resolveConfig({ thinkers: [{ url: 'http://gpu:11434' }] }, home);
    for (const part of [config, config.gateway, config.thinkers, config.thinkers[0], config.models.default.options]) {
      assert.ok(Object.isFrozen(part));
    }
  });
});

describe('configuration: what is refused', () => {
  it('names an unknown option and the nearest known one, at every depth', () => {
    assert.match(
      refusalOf(() => resolveConfig({ gatway: {} }, home)),
      /gatway is unknown; did you mean `gateway`\?/,
    );
    assert.match(
      refusalOf(() => resolveConfig({ cache: { ttlMS: 5, similarity: 0.9 } }, home)),
      /cache\.ttlMS is unknown; did you mean `ttlMs`\?\n +cache\.similarity is unknown; did you mean `similarityMin`\?|cache\.similarity is unknown; known here: /,
    );
    assert.match(
      refusalOf(() => resolveConfig({ thinkers: [{ url: 'http://gpu:1', nmae: 'x' }] }, home)),
      /thinkers\.0\.nmae is unknown; did you mean `name`\?/,
    );
    assert.match(
      refusalOf(() => resolveConfig({ models: { byName: { 'qwen3:8b': { numCtxx: 1 } } } }, home)),
      /models\.byName\.qwen3:8b\.numCtxx is unknown; did you mean `numCtx`\?/,
    );
  });

  it('says which value is wrong and what it expected', () => {
    assert.match(
      refusalOf(() => resolveConfig({ cache: { similarityMin: 1.2 } }, home)),
      /cache\.similarityMin is 1\.2; .*1/,
    );
    assert.match(
      refusalOf(() => resolveConfig({ thinkers: [{ url: 'ftp://gpu' }] }, home)),
      /thinkers\.0\.url is "ftp:\/\/gpu"; expected an http:\/\/ or https:\/\/ URL/,
    );
    assert.match(
      refusalOf(() => resolveConfig({ thinkers: [{}] }, home)),
      /thinkers\.0\.url is missing; /,
    );
    for (const port of ['x', '-1', '65536', '1.5']) {
      assert.match(
        refusalOf(() => resolveConfig({}, { ...home, SELFHOST_PORT: port })),
        /^SELFHOST_PORT is `.*`; expected a port from 0 to 65535/,
      );
    }
    assert.match(
      refusalOf(() => resolveConfig({}, home, { adminPort: 'x' })),
      /^--admin-port is `x`/,
    );
  });

  it('says which file cannot be read, and where it is not YAML', async () => {
    const missing = join(folder, 'missing.yaml');
    await assert.rejects(loadConfig(home, { config: missing }), (error: AppError) => {
      assert.equal(error.code, 'config_invalid');
      assert.ok(error.message.includes(`cannot read the configuration file ${missing}`), error.message);
      return true;
    });
    const broken = file('broken.yaml', 'cache: [1, 2\n');
    await assert.rejects(loadConfig(home, { config: broken }), /broken\.yaml is not valid YAML: .*line 1|line 2/s);
  });

  it('opens no unguarded door to the network', () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.5', 'gpu.example', '127.0.0.1.evil.example']) {
      assert.match(
        refusalOf(() => resolveConfig({ gateway: { host } }, home)),
        /others can reach, and no API keys are configured; set gateway\.apiKeysFile .* or SELFHOST_API_KEYS/,
      );
      assert.match(
        refusalOf(() => resolveConfig({ admin: { host } }, home)),
        /others can reach, and no operator key is configured; set admin\.keyFile or SELFHOST_ADMIN_KEY/,
      );
      // A key of one door does not guard the other.
      refusalOf(() => resolveConfig({ gateway: { host } }, { ...home, SELFHOST_ADMIN_KEY: key }));
      refusalOf(() => resolveConfig({ admin: { host } }, { ...home, SELFHOST_API_KEYS: `ada:${key}` }));
    }
    for (const host of ['127.0.0.1', '127.8.8.8', 'localhost', '::1', '[::1]']) {
      assert.ok(isLoopback(host));
      assert.equal(resolveConfig({ gateway: { host }, admin: { host } }, home).gateway.host, host);
    }
    const open = { gateway: { host: '0.0.0.0' }, admin: { host: '0.0.0.0' } };
    const keys = { ...home, SELFHOST_API_KEYS: `ada:${key}`, SELFHOST_ADMIN_KEY: key };
    assert.equal(resolveConfig(open, keys).admin.host, '0.0.0.0');
  });

  it('wants an endpoint when the embedder is one', () => {
    assert.match(
      refusalOf(() => resolveConfig({ embedding: { kind: 'endpoint' } }, home)),
      /embedding\.endpoint is missing; set its url, api and model/,
    );
  });
});

describe('configuration: secrets', () => {
  it('reads keys from a file and from the environment, and keeps hashes only', () => {
    const path = file('keys', `# tenants\n\nada ${key}\ngrace   another-key-of-hers-1\n`);
    const config = resolveConfig(
      { gateway: { apiKeysFile: path } },
      { ...home, SELFHOST_API_KEYS: `alan:third-key-of-the-house`, SELFHOST_ADMIN_KEY: 'operator-key-of-house' },
    );
    assert.deepEqual(
      config.apiKeys.map(({ tenant }) => tenant),
      ['ada', 'grace', 'alan'],
    );
    assert.equal(config.apiKeys[0]!.sha256, sha256(key));
    assert.equal(config.adminKeySha256, sha256('operator-key-of-house'));
    const printed = JSON.stringify(config);
    for (const secret of [key, 'another-key-of-hers-1', 'third-key-of-the-house', 'operator-key-of-house']) {
      assert.ok(!printed.includes(secret), `a printed configuration tells ${secret}`);
    }
  });

  it('never repeats a key in a refusal', () => {
    const short = 'short-key';
    const message = refusalOf(() => resolveConfig({}, { ...home, SELFHOST_API_KEYS: `ada:${short}` }));
    assert.match(message, /the key of tenant `ada` has 9 characters; use at least 16/);
    assert.ok(!message.includes(short));
    const nameless = refusalOf(() => resolveConfig({}, { ...home, SELFHOST_API_KEYS: key }));
    assert.match(nameless, /SELFHOST_API_KEYS: expected a tenant name/);
    assert.ok(!nameless.includes(key));
    const path = file('bad-keys', `ada ${key}\nno/slash/please ${key}\n`);
    assert.match(
      refusalOf(() => resolveConfig({ gateway: { apiKeysFile: path } }, home)),
      /bad-keys line 2: expected/,
    );
  });

  it('refuses an empty or missing secret file by the name of its option', () => {
    const empty = file('empty', '\n');
    assert.match(
      refusalOf(() => resolveConfig({ admin: { keyFile: empty } }, home)),
      /^admin\.keyFile: .* is empty/,
    );
    const thinkers = [{ url: 'http://gpu:11434', bearerFile: join(folder, 'nowhere') }];
    assert.match(
      refusalOf(() => resolveConfig({ thinkers }, home)),
      /^thinkers\.0\.bearerFile: cannot read/,
    );
  });
});

describe('config.example.yaml', () => {
  const example = readFileSync(new URL('../../config.example.yaml', import.meta.url), 'utf8');

  it('says what the defaults are: loading it changes nothing', () => {
    assert.deepEqual(configSchema.parse(parse(example)), configSchema.parse({}));
  });

  it('holds every option, and each of its commented ones is valid when it is set', () => {
    const everything = parse(
      example.replaceAll(/ (\[\]|\{\})(?=  # in its place)/g, '').replaceAll(/^(\s*)#(?! \S)/gm, '$1'),
    ) as unknown;
    const result = configSchema.safeParse(everything);
    assert.ok(result.success, JSON.stringify(result.error?.issues));
    assert.ok(example.includes(exampleMark));
    const missing = leaves(configOptions()).filter((path) => !has(everything, path));
    assert.deepEqual(missing, []);
  });

  function leaves(options: readonly Option[]): (readonly string[])[] {
    return options.flatMap((option) => (option.inner ? leaves(option.inner.options) : [option.path]));
  }

  function has(value: unknown, [key, ...rest]: readonly string[]): boolean {
    if (key === undefined) return value !== undefined;
    if (typeof value !== 'object' || value === null) return false;
    const next = key === '*' || key === '<name>' ? Object.values(value)[0] : (value as Record<string, unknown>)[key];
    return has(next, rest);
  }

  it('explains every option', () => {
    const silent = (options: readonly Option[]): string[] =>
      options.flatMap(({ path, description, inner }) => [
        ...(description === '' && inner?.kind !== 'object' ? [path.join('.')] : []),
        ...(inner ? silent(inner.options) : []),
      ]);
    assert.deepEqual(silent(configOptions()), []);
  });
});

describe('alert channels', () => {
  const resolved = (channel: object, environment = {}) =>
    resolveConfig({ alerts: { channels: [channel] } }, environment);

  it('takes secrets from files and variables, never from the configuration', () => {
    const url = 'https://hooks.example/secret';
    const config = resolved({ kind: 'slack', secretEnv: 'HOOK' }, { HOOK: url });
    assert.deepEqual(config.alertSecrets, [url]);
    assert.throws(() => resolved({ kind: 'slack', secretEnv: 'HOOK' }), /channels\.0\.secretEnv: .* HOOK is not set/);
    assert.throws(() => resolved({ kind: 'slack', secretEnv: 'HOOK' }, { HOOK: 'x' }), /not a URL/);
    assert.throws(() => resolved({ kind: 'slack', secret: url }), /secret is unknown; did you mean `secretEnv`/);
  });

  it('asks for what each kind needs', () => {
    assert.throws(() => resolved({ kind: 'webhook' }), /url is "?missing"?; a channel of kind webhook needs it/);
    assert.throws(() => resolved({ kind: 'ntfy' }), /topic/);
    assert.throws(() => resolved({ kind: 'email', host: 'h', from: 'a@b' }), /to is missing/);
    assert.throws(() => resolved({ kind: 'discord' }), /needs the URL of its webhook/);
    resolved({ kind: 'ntfy', topic: 'gpu' });
  });

  it('knows times of day and time zones', () => {
    const quiet = (quietHours: object) => resolveConfig({ alerts: { quietHours } }, {});
    quiet({ from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' });
    assert.throws(() => quiet({ from: '24:00', to: '07:00' }), /time of day such as 22:00/);
    assert.throws(() => quiet({ from: '22:00', to: '07:00', timeZone: 'Mars/Base' }), /time zone such as UTC/);
  });
});
