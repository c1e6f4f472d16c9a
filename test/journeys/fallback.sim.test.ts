/** Promise: while no thinker of ours can answer, a configured API does, for money that is counted and capped; never when one can. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { resolveConfig } from '../../src/config/load.ts';
import { startVastWorld, type VastWorld } from '../../src/sim/world.ts';
import { paidText, startPaidApi, type PaidApi } from '../../src/testing/paid-api.ts';
import { fleetModel, startFleetGateway, worldOptions, type FleetWorld } from '../support/fleet-world.ts';
import { model, post, startRig, until, type Rig } from './harness.ts';

/** 120 prompt tokens and 30 of the answer: 240 micro-dollars. */
const cheap = { model: 'gpt-small', inputUsdPerMillion: 1, outputUsdPerMillion: 4, perDayUsd: 1 };
const answerMicros = 240;

interface Totals {
  readonly totals: { readonly costs: { readonly fallback: number }; readonly answers: { readonly fallback: number } };
}
const totalsOf = async (adminUrl: string) =>
  ((await (await fetch(`${adminUrl}/api/ledger/totals`)).json()) as Totals).totals;

describe('journey: fallback while the fleet starts', () => {
  let world: VastWorld;
  let fleet: FleetWorld;
  let api: PaidApi;
  before(async () => {
    api = await startPaidApi();
    world = await startVastWorld({ ...worldOptions(11), bootScale: 2 });
    fleet = await startFleetGateway(world, {
      config: {
        fallback: { ...cheap, url: api.url, afterMs: 1_000 },
        // A sign of life sends the headers, and on a busy machine that time comes before the answer.
        gateway: { heartbeatMs: 86_400_000 },
      },
    });
  });
  after(async () => {
    await fleet?.close();
    await world?.close();
    await api?.close();
  });

  it('answers all three dialects, streamed and not, says who answered and what it cost', async () => {
    const { gatewayUrl } = fleet.gateway;
    const asks = (['lighthouse', 'walnut'] as const).flatMap((topic, i) => {
      const stream = i === 0;
      const messages = (words: string) => [{ role: 'user', content: `${words} ${topic}?` }];
      return [
        { path: '/api/chat', body: { messages: messages('Who invented the first') }, stream },
        { path: '/v1/chat/completions', body: { messages: messages('Name three colours of a') }, stream },
        { path: '/v1/messages', body: { max_tokens: 90, messages: messages('How heavy may be one') }, stream },
      ];
    });
    const replies = await Promise.all(
      asks.map(async ({ path, body, stream }) => {
        const response = await post(gatewayUrl + path, { model: fleetModel, stream, ...body });
        return { path, stream, response, text: await response.text() };
      }),
    );
    for (const { path, stream, response, text } of replies) {
      const what = `${path} ${stream ? 'streamed' : 'plain'}: ${text}`;
      assert.equal(response.status, 200, what);
      assert.equal(response.headers.get('x-selfhost-thinker'), 'fallback', what);
      // A stream begins before its cost is known, unless all of it came at once.
      const told = response.headers.get('x-selfhost-cost-usd');
      assert.ok(told === '0.00024000' || (stream && told === null), `${told} for ${what}`);
      for (const word of paidText.split(' ')) assert.ok(text.includes(word), what);
    }
    assert.deepEqual([api.asked.length, api.asked.every(({ model: asked }) => asked === 'gpt-small')], [6, true]);
  });

  it('keeps none of it as our model’s answer, and goes back to our machine once it serves', async () => {
    const again = await fleet.ask('Who invented the first walnut?');
    await again.text();
    assert.deepEqual(
      [again.headers.get('x-selfhost-thinker'), again.headers.get('x-selfhost-cache')],
      ['fallback', 'miss'],
    );
    await fleet.until('a machine serves', ({ state }) => state === 'serving', 60_000);
    const bought = api.asked.length;
    const ours = await fleet.ask('Who invented the first walnut?');
    await ours.text();
    assert.equal(ours.status, 200);
    assert.notEqual(ours.headers.get('x-selfhost-thinker'), 'fallback');
    assert.deepEqual([ours.headers.get('x-selfhost-cache'), api.asked.length], ['miss', bought]);
  });

  it('is in the ledger to the micro-dollar, in the log and in the metrics', async () => {
    const { adminUrl } = fleet.gateway;
    const totals = await totalsOf(adminUrl);
    assert.deepEqual(
      [totals.costs.fallback, totals.answers.fallback],
      [api.asked.length * answerMicros, api.asked.length],
    );
    const log = (await (await fetch(`${adminUrl}/api/requests?limit=50`)).json()) as {
      requests: { thinker?: string; source?: string }[];
    };
    const bought = log.requests.filter(({ source }) => source === 'fallback');
    assert.deepEqual([bought.length, bought.every(({ thinker }) => thinker === 'fallback')], [api.asked.length, true]);
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    assert.match(metrics, /selfhost_tokens_total\{[^}]*source="fallback"[^}]*\} \d/);
    assert.match(metrics, /selfhost_cost_usd_total\{component="fallback"\} 0\.00\d+/);
  });
});

describe('journey: fallback in an outage', () => {
  let rig: Rig;
  let api: PaidApi;
  const ask = async (content: string) => {
    const response = await post(`${rig.url}/api/chat`, { model, stream: false, messages: [{ role: 'user', content }] });
    return { response, text: await response.text() };
  };
  before(async () => {
    api = await startPaidApi();
    // 120 and 30 tokens are 9,000 micro-dollars: a day's cap holds one answer.
    const dear = { inputUsdPerMillion: 50, outputUsdPerMillion: 100, perDayUsd: 0.01, outputTokensMax: 40 };
    rig = await startRig({ config: { fallback: { ...cheap, ...dear, url: api.url } } });
  });
  after(async () => {
    await rig?.gateway.close({ graceMs: 1_000 });
    if (rig) await rm(rig.dataDir, { recursive: true, force: true });
    await api?.close();
  });

  it('is not asked while our thinker answers', async () => {
    assert.equal((await ask('What is a walnut?')).response.status, 200);
    assert.equal(api.asked.length, 0);
  });

  it('passes on a broken stream as an error, keeps nothing of it, and answers the next', async () => {
    await rig.sim.close();
    api.play('cut');
    const cut = await ask('Hi?');
    assert.deepEqual([cut.response.status, api.asked.length], [502, 1], cut.text);
    api.play('well');
    const whole = await ask('Hi?');
    assert.equal(whole.response.headers.get('x-selfhost-thinker'), 'fallback', whole.text);
    assert.ok(whole.text.includes(paidText));
    assert.equal(whole.response.headers.get('x-selfhost-cost-usd'), '0.009000');
  });

  it('is not asked once its cap is reached: the client hears what it would without it', async () => {
    await until('the thinker is known to be gone', () =>
      rig.gateway.status().thinkers.every(({ state }) => state !== 'ready'),
    );
    const { response, text } = await ask('What is a trombone?');
    assert.deepEqual([response.status, api.asked.length], [503, 2], text);
    assert.match(text, /no thinker for model .* is ready/);
    const { costs } = await totalsOf(rig.adminUrl);
    assert.ok(costs.fallback > 9_000 && costs.fallback <= 10_000, `${costs.fallback} under a cap of 10000`);
    const stored = await ask('What is a walnut?');
    assert.equal(stored.response.headers.get('x-selfhost-cache'), 'exact');
  });
});

describe('configuration of the fallback', () => {
  it('is refused without a price or a cap, naming the option', () => {
    const whole = { ...cheap, url: 'https://api.example.com/v1' };
    assert.equal(resolveConfig({ fallback: whole }, {}).fallback?.afterMs, 3_000);
    for (const option of ['inputUsdPerMillion', 'outputUsdPerMillion', 'perDayUsd', 'model', 'url'] as const) {
      const fallback: Partial<typeof whole> = { ...whole };
      delete fallback[option];
      assert.throws(() => resolveConfig({ fallback }, {}), {
        code: 'config_invalid',
        message: new RegExp(`fallback\\.${option}`),
      });
    }
    assert.throws(() => resolveConfig({ fallback: { ...whole, outputUsdPerMillion: 0 } }, {}), /outputUsdPerMillion/);
  });
});
