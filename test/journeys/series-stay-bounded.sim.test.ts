/** Whatever names clients and thinkers come up with, the metrics stay within their bound and tell the truth in sum. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { modelFromName } from '../../src/sim/thinker-server/models.ts';
import { seriesMax } from '../../src/telemetry/metrics.ts';
import { httpCall } from '../../src/testing/http-call.ts';
import { testRandom } from '../../src/testing/seeded-random.ts';
import { startRig } from './harness.ts';

const installed = Array.from({ length: 60 }, (_, index) => `model-${index}`);
const prompts = (model: string, text: string, stream: boolean): readonly (readonly [string, object])[] => {
  const messages = [{ role: 'user', content: text }];
  return [
    ['/api/chat', { model, stream, messages }],
    ['/api/generate', { model, stream, prompt: text }],
    ['/v1/chat/completions', { model, stream, messages }],
    ['/v1/completions', { model, stream, prompt: text }],
    ['/v1/responses', { model, stream, input: text }],
    ['/v1/messages', { model, stream, messages, max_tokens: 9 }],
    ['/api/embed', { model, input: text }],
  ];
};

it('exports at most 2,000 series under hostile names, and loses no request', async () => {
  const random = testRandom('series');
  const rig = await startRig({ sim: { models: installed.map(modelFromName), maxLoadedModels: 64, faults: false } });
  try {
    let sent = 0;
    const ask = async (path: string, body: object) => {
      sent += 1;
      const { status } = await httpCall(rig.url + path, { body });
      assert.ok(status >= 200 && status < 600, `${path} answered ${status}`);
    };
    const series = async () => {
      const { text } = await httpCall(`${rig.adminUrl}/metrics`);
      return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    };
    // Names that are there, on every route, streamed or not, twice so that the second is a hit.
    for (const [index, model] of installed.entries()) {
      for (const stream of [false, true]) {
        const calls = prompts(model, `What is ${index}?`, stream);
        for (const [path, body] of calls) await ask(path, body);
        await ask(...calls[0]!);
      }
    }
    // Names that are not: what a stranger would try against the format and against memory.
    const wild = ['"', '\\', '\n', '}', '{', '=', ',', 'é', '雪', ' ', 'x'.repeat(40), '../', '%00'];
    for (let index = 0; index < 150; index++) {
      const name = Array.from({ length: 1 + random.int(5) }, () => wild[random.int(wild.length)]).join('') + index;
      const calls = prompts(name, 'Hello', false);
      await ask(...calls[random.int(calls.length)]!);
      await ask(`/${encodeURIComponent(name)}`, {});
    }

    const lines = await series();
    assert.ok(lines.length <= seriesMax, `${lines.length} series, seed ${random.seed}`);
    assert.equal(new Set(lines.map((line) => line.replace(/ \S+$/, ''))).size, lines.length, 'each series once');
    for (const line of lines) {
      assert.match(line, /^selfhost_[a-z0-9_]+(\{([a-z]+="[^"\\\n]*",?)+\})? [\d.e+-]+$/, `seed ${random.seed}`);
    }
    const requests = lines.filter((line) => line.startsWith('selfhost_requests_total'));
    const counted = requests.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    assert.equal(counted, sent);
    const models = new Set(requests.map((line) => /model="([^"]*)"/.exec(line)![1]!));
    assert.ok(models.size <= 21 && models.has('other'), [...models].join(' '));
    assert.ok([...models].every((name) => name === 'other' || installed.includes(name.replace(/:latest$/, ''))));
    console.log(`${lines.length} series of ${models.size} model labels after ${sent} requests`);
  } finally {
    await rig.close();
  }
});
