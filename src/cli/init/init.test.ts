import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { parse } from 'yaml';
import { configSchema } from '../../config/schema.ts';
import { CliError } from '../context.ts';
import { spendingOf } from './estimate.ts';
import { missingOptions, parseSchedule, type Given } from './given.ts';
import { gpusFor, knownModels, needsOf } from './models.ts';
import type { GpuOffers, Outside } from './outside.ts';
import { renderConfig } from './render.ts';
import type { Setup } from './setup.ts';
import { askAll } from './steps.ts';
import { SetupCancelled, type Ui } from './ui.ts';
import { secretPathsOf, secretsOf, writeAll } from './write.ts';

const caps = { perHourUsd: 2, perDayUsd: 5, perMonthUsd: 50, perRentalUsd: 4 };
const key = 'k'.repeat(64);

const offer = (gpu: string, medianUsd: number): GpuOffers => ({
  gpu,
  offers: 3,
  minUsd: medianUsd - 0.04,
  medianUsd,
  reliability: 0.99,
  datacenters: 1,
  downUsdPerGb: 0.01,
});

interface Script {
  readonly ui: Ui;
  readonly asked: string[];
  readonly said: string[];
}

/** A person who types what the script has for a question, and presses Enter at all others. `^C` leaves. */
function person(answers: Readonly<Record<string, string | readonly string[]>> = {}): Script {
  const asked: string[] = [];
  const said: string[] = [];
  const left = new Map(Object.entries(answers).map(([part, all]) => [part, [all].flat()]));
  const reply = (message: string): string | undefined => {
    asked.push(message);
    const found = [...left].find(([part]) => message.includes(part));
    const answer = found?.[1].length === 1 ? found[1][0] : found?.[1].shift();
    if (answer === '^C') throw new SetupCancelled();
    return answer;
  };
  const ui: Ui = {
    kind: 'asks',
    title: () => {},
    say: (text) => void said.push(text),
    warn: (text) => void said.push(`! ${text}`),
    async select({ message, options, initial }) {
      const answer = reply(message) ?? initial;
      const option = options.find(({ value }) => value === answer);
      assert.ok(option, `${message}: there is no ${answer}`);
      return option.value;
    },
    async text({ message, initial, check }) {
      const answer = reply(message) ?? initial;
      assert.ok(answer !== undefined, `${message}: Enter is no answer, and the script has none`);
      assert.equal(check?.(answer), undefined);
      return answer;
    },
    async secret({ message }) {
      const answer = reply(message);
      assert.ok(answer !== undefined, message);
      return answer;
    },
    confirm: async ({ message, initial }) => (reply(message) ?? String(initial)) === 'true',
  };
  return { ui, asked, said };
}

const world = (over: Partial<Outside> = {}): Outside => ({
  ollamaModels: () => Promise.reject(new CliError('no Ollama answers there')),
  market: () =>
    Promise.resolve({
      key: () =>
        Promise.resolve({ email: 'a@b.example', balanceUsd: 20, instances: 'may', billing: 'may', keys: 'unknown' }),
      offers: () => Promise.resolve([offer('RTX A4000', 0.15), offer('RTX 3090', 0.25), offer('RTX 4090', 0.4)]),
      close: () => Promise.resolve(),
    }),
  sendTestMessage: () => Promise.resolve(),
  utcOffsetMinutes: () => Promise.resolve(60),
  ...over,
});

const paths = secretPathsOf('/srv/gateway.yaml');
const configOf = (setup: Setup) => configSchema.parse(parse(renderConfig(setup, paths)));

describe('the steps of init', () => {
  it('are the demo with Enter all the way: nothing outside is asked', async () => {
    const { ui, asked } = person();
    const refuse = () => assert.fail('asked the world');
    const setup = await askAll(
      {},
      { ui, outside: world({ ollamaModels: refuse, market: refuse, sendTestMessage: refuse }) },
    );
    assert.deepEqual(setup.source, { kind: 'demo' });
    assert.equal(asked.length, 5);
    assert.equal(configOf(setup).fleet.provider, 'off');
  });

  it('ask for an Ollama until one answers', async () => {
    const { ui, said } = person({ 'come from': 'ollama', 'Ollama listen': ['http://wrong:1', 'http://gpu:11434'] });
    const ollamaModels = (url: string) =>
      url === 'http://gpu:11434' ? Promise.resolve(['llama3.2:3b']) : Promise.reject(new CliError('no Ollama answers'));
    const setup = await askAll({}, { ui, outside: world({ ollamaModels }) });
    assert.deepEqual(said, ['! no Ollama answers', 'Ollama at http://gpu:11434 answers; models: llama3.2:3b']);
    assert.deepEqual(
      configOf(setup).thinkers.map(({ url }) => url),
      ['http://gpu:11434'],
    );
  });

  it('show what can be spent and what probably is, require every cap, and write what was agreed', async () => {
    const { ui, asked, said } = person({
      'come from': 'vast',
      'API key': key,
      'Which model': 'llama3.1:8b',
      'Which GPU': 'RTX 3090',
      'dollars an hour': '2',
      'dollars a day': '$5',
      'dollars a month': '50',
      'dollars for one machine': '4',
      'ready before anybody asks': 'mon-fri 08:00-18:00',
      'in other words?': 'strict',
    });
    const setup = await askAll({}, { ui, outside: world() });
    assert.equal(asked.length, 15);
    const told = said.join('\n');
    assert.match(told, /\$20\.00 left; instances: may list, billing: may read/);
    assert.match(told, /! whether the key may do more than that cannot be told/);
    assert.match(told, /llama3\.1:8b: 4\.9 GB to download, 10\.5 GB of GPU memory .* smallest GPU that fits: RTX 3060/);
    assert.match(
      told,
      /RTX 3090 +from \$0\.21, median \$0\.25 an hour; 3 offers, 1 in data centres; reliability 99\.0 %/,
    );
    assert.match(told, /at most \$5\.00\/day and \$50\.00\/month/);
    // 10 h on 5 days of 4.348 weeks at $0.25 is $54, which the cap cuts.
    assert.match(told, /about \$50\.00\/month at your hours \(mon, tue, wed, thu, fri 08:00 to 18:00: 217 h/);
    const { fleet, cache } = configOf(setup);
    assert.deepEqual(fleet.caps, caps);
    assert.deepEqual(
      [fleet.model, fleet.machines.gpuNames, fleet.machines.vramGbMin, fleet.machines.pricePerHourMaxUsd],
      ['llama3.1:8b', ['RTX 3090'], 10.5, 0.38],
    );
    assert.deepEqual([fleet.idleTimeoutMs, fleet.schedule[0]?.days.length, fleet.utcOffsetMinutes], [900_000, 5, 60]);
    assert.deepEqual([cache.strict, cache.audits], [true, 'auto']);
    assert.doesNotMatch(renderConfig(setup, paths), new RegExp(key), 'the key is in the configuration');
  });

  it('ask again for caps with which nothing could be rented, and for a key that is refused', async () => {
    let tries = 0;
    const market: Outside['market'] = async (options) => {
      const door = await world().market(options);
      return {
        ...door,
        key: () => (++tries === 1 ? Promise.reject(new CliError('the market refused the key')) : door.key()),
      };
    };
    const { ui, said } = person({
      'come from': 'vast',
      'API key': key,
      'dollars an hour': ['0.05', '1'],
      'dollars a day': '5',
      'dollars a month': '50',
      'dollars for one machine': '4',
    });
    const setup = await askAll({}, { ui, outside: world({ market }) });
    assert.ok(said.includes('! the market refused the key'));
    assert.ok(said.some((text) => text.startsWith('! the cheapest machine costs $0.11 an hour, and at most $0.0500')));
    assert.equal(configOf(setup).fleet.caps?.perHourUsd, 1);
  });

  it('refuse a key that could not see what bills', async () => {
    const market: Outside['market'] = async (options) => ({
      ...(await world().market(options)),
      key: () =>
        Promise.resolve({ email: '', balanceUsd: 5, instances: 'may-not', billing: 'may', keys: 'may' } as const),
    });
    const { ui } = person({ 'come from': 'vast' });
    await assert.rejects(askAll({ vastKey: key }, { ui, outside: world({ market }) }), /may not list instances/);
  });

  it('end at once with Ctrl-C, at every question', async () => {
    const answers = {
      'come from': 'vast',
      'API key': key,
      'dollars an hour': '2',
      'dollars a day': '5',
      'dollars a month': '50',
      'dollars for one machine': '4',
      'Who is told': 'ntfy',
      opic: 'mine', // not the whole question: the script finds the one that is left with Ctrl-C first
    };
    const all = person(answers);
    await askAll({}, { ui: all.ui, outside: world() });
    for (const question of all.asked) {
      let sent = 0;
      const { ui } = person({ [question]: '^C', ...answers });
      const outside = world({ sendTestMessage: () => Promise.resolve(void sent++) });
      await assert.rejects(askAll({}, { ui, outside }), SetupCancelled, question);
      assert.equal(sent, 0, question);
    }
    assert.equal(all.asked.length, 17);
  });

  it('send a test message by the channel, and keep its secret out of the configuration', async () => {
    const sent: unknown[] = [];
    const { ui } = person({ 'Who is told': 'slack', 'slack webhook': 'https://hooks.example/T0/secret' });
    const sendTestMessage: Outside['sendTestMessage'] = async (channel, secret) => void sent.push(channel, secret);
    const setup = await askAll({ answers: 'demo' }, { ui, outside: world({ sendTestMessage }) });
    assert.deepEqual(sent, [{ kind: 'slack' }, 'https://hooks.example/T0/secret']);
    const text = renderConfig(setup, paths);
    assert.doesNotMatch(text, /hooks\.example/);
    assert.equal(configOf(setup).alerts.channels[0]?.secretFile, '/srv/gateway.secrets/alert-secret');
  });

  it('ask nothing that came as an option', async () => {
    const { ui, asked } = person();
    const given: Given = {
      answers: 'vast',
      vastKey: key,
      hosts: 'datacenter',
      model: 'own:9b',
      modelGb: 7,
      gpu: ['RTX 3090'],
      ...caps,
      idle: 600,
      hours: 'on-demand',
      hoursPerDay: 2,
      cache: 'exact',
      access: 'keys',
      alert: 'none',
    };
    const setup = await askAll(given, { ui, outside: world() });
    assert.deepEqual(asked, []);
    const config = configOf(setup);
    assert.equal(config.cache.mode, 'exact-only');
    assert.equal(config.fleet.vast.datacenterOnly, true);
    assert.equal(config.gateway.apiKeysFile, '/srv/gateway.secrets/api-keys');
  });
});

describe('what init works out', () => {
  it('every known model fits a known GPU, and a larger one needs more', () => {
    const needs = knownModels.map(({ name }) => needsOf(name, { slots: 8, contextTokens: 8_192 })!);
    for (const { model, vramGb, sizeGb, diskGb } of needs) {
      assert.ok(gpusFor(vramGb).length > 0, `${model} needs ${vramGb} GB`);
      assert.ok(vramGb > sizeGb && diskGb >= sizeGb + 16, model);
    }
    // Weights 6.25 GB and 1.9 GiB of 8-bit contexts: 9 to 11 GB by the planning figures.
    const planned = needs.find(({ model }) => model === 'qwen2:7b-instruct-q6_K')!;
    assert.ok(planned.vramGb >= 9 && planned.vramGb <= 11, String(planned.vramGb));
    assert.equal(needsOf('unheard-of:1b', { slots: 8, contextTokens: 8_192 }), undefined);
  });

  it('the most that can be spent is the smallest of what the caps allow', () => {
    const hours = { kind: 'on-demand', hoursPerDay: 4 } as const;
    const of = (over: Partial<typeof caps>) =>
      spendingOf({ pricePerHourUsd: 0.5, startDownloadUsd: 0.1, caps: { ...caps, ...over }, hours });
    assert.deepEqual([of({}).dayMaxUsd, of({}).monthMaxUsd, of({}).firstHourUsd], [5, 50, 0.6]);
    assert.equal(of({ perHourUsd: 0.1 }).dayMaxUsd.toFixed(2), '2.40');
    assert.equal(of({ perMonthUsd: 3 }).dayMaxUsd, 3);
    assert.equal(of({ perMonthUsd: 1_000 }).monthUsd.toFixed(2), '60.88');
    assert.equal(of({ perDayUsd: 1, perMonthUsd: 1_000 }).monthUsd, 31);
  });

  it('hours are read as people write them', () => {
    assert.deepEqual(parseSchedule('Mon-Fri 08:30-18:00'), {
      kind: 'schedule',
      days: ['mon', 'tue', 'wed', 'thu', 'fri'],
      from: '08:30',
      to: '18:00',
    });
    assert.deepEqual(parseSchedule('sat-mon,wed 22:00-02:00')?.days, ['mon', 'wed', 'sat', 'sun']);
    for (const wrong of ['', 'mon 8-18', 'mon-fry 08:00-09:00', 'mon 08:00-08:00', 'mon 25:00-26:00'])
      assert.equal(parseSchedule(wrong), undefined, wrong);
  });

  it('what is missing is named all at once', () => {
    assert.deepEqual(missingOptions({}), []);
    assert.equal(missingOptions({ answers: 'vast', alert: 'email' }).length, 9);
    assert.deepEqual(missingOptions({ answers: 'vast', vastKey: key, model: 'x', ...caps, perDayUsd: undefined! }), [
      '--per-day-usd <usd>',
    ]);
  });
});

describe('what init writes', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'selfhost-init-'))));
  afterEach(() => {
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true, force: true });
  });

  it('is for its owner only, and what was there is kept', () => {
    const config = join(folder, 'gateway.yaml');
    writeFileSync(config, 'old: true\n', { mode: 0o644 });
    const own = secretPathsOf(config);
    const { files, apiKey } = secretsOf({ source: { kind: 'vast', key }, access: 'keys', alert: undefined }, own);
    const written = writeAll(config, 'new: true\n', files, 'then');
    assert.equal(readFileSync(config, 'utf8'), 'new: true\n');
    assert.deepEqual(written.backups, [`${config}.before-then`]);
    assert.equal(readFileSync(`${config}.before-then`, 'utf8'), 'old: true\n');
    assert.equal(readFileSync(own.apiKeys, 'utf8'), `team ${apiKey}\n`);
    assert.ok(apiKey!.length >= 32);
    for (const file of [config, ...written.secrets, ...written.backups])
      assert.equal((statSync(file).mode & 0o777).toString(8), '600', file);
    assert.equal((statSync(join(folder, 'gateway.secrets')).mode & 0o777).toString(8), '700');
  });

  it('is all or nothing: where the configuration cannot be put, the old one stays as it was', () => {
    const config = join(folder, 'gateway.yaml');
    writeFileSync(config, 'old: true\n');
    // A folder in its place: the write fails whoever runs this, root included.
    writeFileSync(join(folder, 'blocker'), '');
    const unreachable = join(folder, 'blocker', 'gateway.yaml');
    assert.throws(() => writeAll(unreachable, 'new: true\n', new Map(), 'then'), /EEXIST|ENOTDIR/);
    assert.throws(
      () => writeAll(config, 'new: true\n', new Map([[join(folder, 'blocker', 'key'), 'x']]), 'then'),
      /EEXIST|ENOTDIR/,
    );
    assert.equal(readFileSync(config, 'utf8'), 'old: true\n');
    assert.deepEqual(readdirSync(folder).toSorted(), ['blocker', 'gateway.yaml']);
  });
});
