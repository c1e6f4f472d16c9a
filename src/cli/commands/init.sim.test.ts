/** Promise: one command from nothing to a rented machine that serves an unchanged client, and one back to nothing that bills. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import OpenAI from 'openai';
import { runProcess } from '../../../test/support/cli.ts';
import { startVastWorld, type VastWorld } from '../../sim/world.ts';
import { createSimulatedThinker } from '../../sim/thinker-server/server.ts';
import { startMessageReceiver } from '../../testing/message-receiver.ts';
import { readRuntime } from '../runtime-file.ts';

interface Outcome {
  readonly config: string;
  readonly apiKey?: string;
  readonly gatewayUrl: string;
  readonly adminUrl: string;
  readonly pid: number;
}

const caps = ['--per-hour-usd', '2', '--per-day-usd', '5', '--per-month-usd', '50', '--per-rental-usd', '4'];
const model = 'qwen2:7b-instruct-q6_K';

describe('llm-self-host init', () => {
  let folder: string;
  let config: string;
  let dataDir: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'selfhost-init-'));
    config = join(folder, 'gateway.yaml');
    dataDir = join(folder, 'data');
  });
  afterEach(() => {
    const left = readRuntime(dataDir);
    if (left !== undefined) process.kill(left.pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const init = (...words: string[]) =>
    runProcess(['init', '--config', config, '--port', '0', '--admin-port', '0', '--data-dir', dataDir, ...words], {
      // Nobody listens on the discard port: an Ollama of this machine is left alone.
      environment: { OLLAMA_HOST: 'http://127.0.0.1:9' },
    });

  it('sets the demo up, starts it, and shows a miss and then a hit', async () => {
    const { code, out, err } = await init('--yes', '--up');
    assert.equal(code, 0, err);
    assert.match(out, /first +miss, answered by simulated .*\n +second +exact; /);
    assert.match(
      out,
      /OpenAI clients +base URL http:\/\/127\.0\.0\.1:\d+\/v1\nOllama clients +http.*\nAnthropic clients/,
    );
    const again = await init('--yes', '--up', '--overwrite');
    assert.match(again.err, /a gateway runs already on .* with what it was started with/);
    const down = await runProcess(['down', '--config', config]);
    assert.match(down.out, /^stopped/);
  });

  it('replaces no file unless told, and keeps the old one', async () => {
    writeFileSync(config, 'cache: { mode: exact-only }\n');
    const refused = await init('--yes');
    assert.equal(refused.code, 1);
    assert.match(refused.err, /is there already; add --overwrite/);
    assert.equal(readFileSync(config, 'utf8'), 'cache: { mode: exact-only }\n');
    const replaced = await init('--yes', '--overwrite');
    assert.match(replaced.out, /what was there is in .*gateway\.yaml\.before-/);
    const backup = readdirSync(folder).find((name) => name.includes('.before-'))!;
    assert.equal(readFileSync(join(folder, backup), 'utf8'), 'cache: { mode: exact-only }\n');
    assert.match(replaced.out, /up --config \S+gateway\.yaml\n$/);
  });

  it('names everything that is missing, and writes nothing without it or without a terminal', async () => {
    const [missing, nobody] = await Promise.all([init('--yes', '--answers', 'vast', '--alert', 'ntfy'), init()]);
    assert.equal(missing.code, 1);
    for (const option of ['vast-key-file', 'model', 'per-hour', 'per-day', 'per-month', 'per-rental', 'alert-topic'])
      assert.match(missing.err, new RegExp(`--${option}`));
    assert.match(nobody.err, /no terminal to ask on; give options and add --yes/);
    assert.equal(existsSync(config), false);
  });

  it('looks at the Ollama it is given, and sends the test message', async () => {
    const ollama = createSimulatedThinker({ profile: 'instant' });
    await ollama.listen(0, '127.0.0.1');
    const receiver = await startMessageReceiver();
    try {
      const wrong = await init('--yes', '--answers', 'ollama', '--ollama-url', 'http://127.0.0.1:9');
      assert.match(wrong.err, /no Ollama answers at http:\/\/127\.0\.0\.1:9 \(bad port\); start it/);
      const words = ['--yes', '--answers', 'ollama', '--ollama-url', ollama.url, '--alert', 'webhook', '--alert-url'];
      const unheard = await init(...words, 'http://127.0.0.1:9/hook');
      assert.match(unheard.err, /the test message did not arrive/);
      assert.equal(existsSync(config), false);
      const { code, err } = await init(...words, receiver.url);
      assert.equal(code, 0, err);
      assert.match(err, /Ollama at .* answers; models: .*llama3\.2:3b, .* and \d+ more/);
      assert.equal((JSON.parse(receiver.received[0]!.body) as { status: string }).status, 'test');
      assert.match(readFileSync(config, 'utf8'), new RegExp(`url: "${ollama.url}"[^]*kind: "webhook"`));
    } finally {
      await receiver.close();
      await ollama.close();
    }
  });

  describe('with the simulated market', () => {
    let market: VastWorld;
    before(async () => {
      market = await startVastWorld({
        seed: 7,
        bootScale: 0.005,
        badShare: 0,
        takenShare: 0,
        occupiedShare: 0,
        mtbfHours: Infinity,
        rateLimits: 'off',
      });
    });
    after(() => market.close());

    const answers = ['--yes', '--answers', 'vast', '--model', model, '--access', 'keys', ...caps];
    const vast = (keyFile: string) => [...answers, '--vast-url', market.url, '--vast-key-file', keyFile];

    it('goes from nothing to a rented machine that serves the official client, and back to nothing that bills', async () => {
      const keyFile = join(folder, 'key');
      writeFileSync(keyFile, market.key);
      const { code, out, err } = await init(...vast(keyFile), '--up');
      assert.equal(code, 0, err);
      assert.match(err, /at most \$5\.00\/day .*\n.*about \$\d+\.\d\d\/month at your hours/);
      assert.match(out, /\d+ s +RTX \S+.* requested .* bills nothing[^]* ready .* bills gpu .* it passed every check/);
      assert.match(out, /first +miss, answered by rtx-.*\n +second +exact; /);
      assert.equal(market.instances().length, 1);
      const apiKey = /Key +(shk_\S+)/.exec(out)![1]!;
      const url = /OpenAI clients +base URL (\S+)/.exec(out)![1]!;
      const openai = new OpenAI({ baseURL: url, apiKey, maxRetries: 0 });
      const answer = await openai.chat.completions.create({
        model,
        messages: [{ role: 'user', content: 'What is a lighthouse?' }],
      });
      assert.match(answer.choices[0]?.message.content ?? '', /\S/);
      await assert.rejects(new OpenAI({ baseURL: url, apiKey: 'shk_wrong', maxRetries: 0 }).models.list(), /401/);

      const text = readFileSync(config, 'utf8');
      assert.ok(!text.includes(market.key) && !text.includes(apiKey), 'a secret is in the configuration');
      const secrets = join(folder, 'gateway.secrets');
      assert.deepEqual(readdirSync(secrets).toSorted(), ['api-keys', 'vast-key']);
      for (const name of readdirSync(secrets)) assert.equal(statSync(join(secrets, name)).mode & 0o777, 0o600, name);

      const down = await runProcess(['down', '--config', config]);
      assert.equal(down.code, 0, down.err);
      assert.deepEqual(market.instances(), []);
    });

    it('writes and rents nothing with a wrong key, or with caps under every price', async () => {
      const keyFile = join(folder, 'key');
      writeFileSync(keyFile, 'f'.repeat(64));
      const before = market.history().length;
      const wrong = await init(...vast(keyFile), '--up');
      assert.equal(wrong.code, 1);
      assert.match(wrong.err, /key/i);
      writeFileSync(keyFile, market.key);
      const poor = await init(...vast(keyFile), '--per-hour-usd', '0.01', '--up');
      assert.match(poor.err, /the cheapest machine costs \$.* nothing could be rented; raise --per-hour-usd/);
      assert.equal(existsSync(config), false);
      assert.equal(market.history().length, before);
    });

    it('tells the result as JSON, for scripts', async () => {
      const keyFile = join(folder, 'key');
      writeFileSync(keyFile, market.key);
      const { code, out, err } = await init(...vast(keyFile), '--json');
      assert.equal(code, 0, err);
      const facts = JSON.parse(out) as Outcome;
      assert.equal(facts.config, config);
      assert.match(facts.apiKey!, /^shk_/);
    });
  });
});
