/** The driver against a market that misbehaves: what may be repeated, what must not be, and what is said about it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  call,
  failure,
  key,
  providerOf,
  query,
  secret,
  send,
  spec,
  withMarket,
  withWorld,
} from '../../../../test/support/vast-market.ts';
import type { AppError } from '../../../core/errors.ts';
import { seededRandom } from '../../../core/random.ts';
import { epochMs } from '../../../core/units.ts';
import { httpCall } from '../../../testing/http-call.ts';
import { silentLogger } from '../../../telemetry/logger.ts';
import { instanceId, offerId, type LaunchSpec } from '../../fleet-provider.ts';
import { rentOne } from '../conformance.ts';
import { createVastProvider } from '../vast.ts';
import type { ServerResponse } from 'node:http';

describe('vast driver: a create is never repeated blindly', () => {
  const unclear: readonly (readonly [what: string, reply: (response: ServerResponse) => void])[] = [
    ['the connection breaks', (response) => response.destroy()],
    ['the gateway of the market fails', (response) => send(response, 504, 'timeout', 'text/plain')],
    ['the answer has no id', (response) => send(response, 200, { success: true })],
    ['the answer is no JSON', (response) => send(response, 200, 'created', 'text/plain')],
  ];
  for (const [what, reply] of unclear) {
    it(`asks once, when ${what}`, () =>
      withMarket(
        (_, response) => reply(response),
        async (provider, asked) => {
          await failure(provider.rent(offerId('7'), spec, call), 'provider_unavailable');
          assert.equal(asked.length, 1);
        },
      ));
  }

  it('leaves one instance behind when the answer is lost, to be found by its label', () =>
    withWorld({}, async (provider, world) => {
      world.inject({ kind: 'create-unanswered', times: 1 });
      const [offer] = await provider.searchOffers(query, call);
      await failure(provider.rent(offer!.id, spec, call), 'provider_unavailable');
      assert.deepEqual(
        (await provider.list('gw-a-1', call)).map(({ label }) => label),
        ['gw-a-1'],
      );
      assert.equal(world.instances().length, 1);
    }));

  it('asks again after a refusal for haste: nothing was done then', () =>
    withMarket(
      (_, response, nth) =>
        nth < 3
          ? send(response, 429, 'API requests too frequent: endpoint threshold=4.5', 'text/plain')
          : send(response, 200, { success: true, new_contract: 77 }),
      async (provider, asked) => {
        assert.equal(await provider.rent(offerId('7'), spec, call), '77');
        assert.equal(asked.length, 3);
        const body = JSON.parse(asked[0]!.body) as Record<string, unknown>;
        assert.deepEqual(body['env'], { GW_TOKEN: secret, OLLAMA_HOST: '127.0.0.1:11434', '-p 8443:8443': '1' });
        assert.deepEqual([body['runtype'], body['onstart'], body['price']], ['args', 'bash', null]);
        assert.deepEqual(body['args'], ['-c', spec.script]);
        assert.equal(asked[0]!.headers.authorization, `Bearer ${key}`);
        assert.equal(asked[0]!.url, '/api/v0/asks/7/');
      },
    ));

  it('knows a taken offer by 404 and by 410', () =>
    withMarket(
      (_, response, nth) => send(response, nth === 1 ? 404 : 410, { success: false, error: 'no_such_ask', msg: 'x' }),
      async (provider) => {
        await failure(provider.rent(offerId('7'), spec, call), 'offer_gone');
        await failure(provider.rent(offerId('7'), spec, call), 'offer_gone');
      },
    ));

  it('does not even ask for what is over a limit', () =>
    withMarket(
      (_, response) => send(response, 200, {}),
      async (provider, asked) => {
        const over: readonly Partial<LaunchSpec>[] = [
          { label: 'x'.repeat(257) },
          { script: 'x'.repeat(4_091) },
          { env: { A: 'x'.repeat(257) } },
          { diskGb: 4 },
          { image: 'x'.repeat(1_025) },
          { ports: Array.from({ length: 65 }, (_, i) => i + 1) },
        ];
        for (const change of over) {
          const error = await failure(provider.rent(offerId('7'), { ...spec, ...change }, call), 'provider_refused');
          assert.match(error.message, /the (most|least) is \d+/);
        }
        assert.equal(asked.length, 0);
      },
    ));
});

describe('vast driver: what it says and to whom', () => {
  const refusals: readonly (readonly [what: string, status: number, body: unknown, says: RegExp])[] = [
    ['401', 401, { success: false, error: 'auth_error', msg: 'Invalid user key' }, /SELFHOST_VAST_API_KEY/],
    ['404 about the key', 404, { success: false, msg: 'Invalid user key' }, /SELFHOST_VAST_API_KEY/],
    ['403', 403, { success: false, msg: 'This action requires login.' }, /SELFHOST_VAST_API_KEY/],
    ['no money', 400, { success: false, error: 'missing_billing', msg: 'no credit' }, /add credit/],
    ['an odd request', 400, { success: false, error: 'invalid_args', msg: 'disk' }, /invalid_args: disk/],
  ];
  for (const [what, status, body, says] of refusals) {
    it(`asks the operator to act: ${what}`, () =>
      withMarket(
        (_, response) => send(response, status, body),
        async (provider, asked) => {
          assert.match((await failure(provider.list('', call), 'provider_refused')).message, says);
          assert.match((await failure(provider.rent(offerId('7'), spec, call), 'provider_refused')).message, says);
          await failure(provider.destroy(instanceId('7'), call), 'provider_refused');
          assert.equal(asked.length, 3);
        },
      ));
  }

  it('repeats nothing that is secret, whatever the market sends back', () =>
    withMarket(
      (asked, response) =>
        send(response, 400, { error: 'invalid_args', msg: `got ${asked.body} from ${asked.headers.authorization}` }),
      async (provider) => {
        const error = await failure(provider.rent(offerId('7'), spec, call), 'provider_refused');
        const said = `${error.message} ${JSON.stringify(error)} ${String(error.stack)} ${String(error.cause)}`;
        assert.ok(!said.includes(secret) && !said.includes(key), said);
        assert.match(said, /redacted/);
      },
    ));

  it('tries again what may be repeated, and says at the end what the market said', () =>
    withMarket(
      (_, response, nth) =>
        nth % 3 === 0 ? response.destroy() : send(response, 429, 'detail: API requests too frequent', 'text/yaml'),
      async (provider, asked) => {
        await failure(provider.searchOffers(query, call), 'provider_unavailable');
        const error = await failure(provider.account(call), 'provider_unavailable');
        assert.match(error.message, /did not answer/);
        assert.equal(asked.length, 6);
      },
    ));

  it('takes a destroy of what is gone for done, and gives no key to where logs are kept', () =>
    withMarket(
      ({ url, headers, method }, response, nth) => {
        if (method === 'DELETE') return send(response, 404, { success: false, error: 'no_such_instance' });
        if (url.startsWith('/file')) {
          assert.equal(headers.authorization, undefined);
          return nth < 5 ? send(response, 403, '<Error/>', 'application/xml') : send(response, 200, `x ${secret} y`);
        }
        if (method === 'GET') return send(response, 200, { instances: { id: 7, extra_env: [['T', secret]] } });
        send(response, 200, { success: true, result_url: `http://${headers.host}/file?sig=1` });
      },
      async (provider) => {
        await provider.destroy(instanceId('7'), call);
        assert.equal(await provider.logs(instanceId('7'), call), 'x [redacted] y');
      },
    ));

  it('reads no log from elsewhere without TLS', () =>
    withMarket(
      ({ method }, response) =>
        method === 'GET'
          ? send(response, 200, { instances: { id: 7 } })
          : send(response, 200, { success: true, result_url: 'http://169.254.169.254/latest' }),
      async (provider) => {
        assert.match(
          (await failure(provider.logs(instanceId('7'), call), 'provider_unavailable')).message,
          /not https/,
        );
      },
    ));

  it('reads prices off the offers, where the market tells them only to hosts', () =>
    withWorld({ machines: 200 }, async (own, world) => {
      const told = await own.market(['RTX 4090'], call);
      await withMarket(
        ({ url, body }, response) => {
          if (url.includes('/metrics/')) return send(response, 200, { success: true, gpus: [], needs_machine: true });
          // The simulated market answers the search.
          void httpCall(world.url + url, { body, headers: { authorization: `Bearer ${world.key}` } }).then((reply) =>
            send(response, reply.status, reply.text),
          );
        },
        async (provider) => {
          const read = await provider.market(['RTX 4090'], call);
          assert.deepEqual(
            read.map(({ gpuName }) => gpuName),
            ['RTX 4090'],
          );
          const ratio = read[0]!.median / told[0]!.median;
          assert.ok(read[0]!.available > 3 && ratio > 0.5 && ratio < 2, JSON.stringify([read, told]));
        },
      );
    }));

  it('stops an answer that does not end, and one that is too large', () =>
    withMarket(
      (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('x'.repeat(17 * 1024 * 1024));
      },
      async (provider) => {
        assert.match(
          (await failure(provider.rent(offerId('7'), spec, call), 'provider_unavailable')).message,
          /larger/,
        );
      },
    ));

  it('refuses settings that cannot be right', () => {
    for (const url of ['ftp://x', 'console.vast.ai', ''])
      assert.throws(
        () => providerOf(url),
        (error: AppError) => error.code === 'config_invalid',
      );
    for (const own of ['', '  ', 'a b', 'ключ'])
      assert.throws(
        () => providerOf('https://x', own),
        (error: AppError) => error.code === 'config_invalid',
      );
  });
});

describe('vast driver against a market with misfortunes', () => {
  it('is patient with limits, and spaces its calls so that it seldom meets them', () =>
    withWorld({ rateLimits: 'on', timeScale: 50 }, async (_, world) => {
      const provider = createVastProvider({
        url: world.url,
        key: world.key,
        clock: world.clock,
        random: seededRandom(3),
        logger: silentLogger,
        timeoutMs: 1_000_000,
        triesMax: 6,
      });
      try {
        for (let i = 0; i < 12; i++) await provider.list('', call);
        for (let i = 0; i < 3; i++) await rentOne(provider, query, `gw-a-${i}`);
        for (const { id } of await provider.list('gw-', call)) await provider.destroy(id, call);
        assert.deepEqual(await provider.list('gw-', call), []);
      } finally {
        await provider.close();
      }
      const refused = Object.entries(world.calls()).filter(([name]) => name.endsWith(' 429'));
      const count = refused.reduce((sum, [, times]) => sum + times, 0);
      assert.ok(count <= 20, JSON.stringify(refused));
    }));

  it('finds what it rented after the market was away, and believes no doubtful list', () =>
    withWorld({}, async (provider, world) => {
      await rentOne(provider, query, 'gw-a-1');
      for (const kind of ['list-doubtful', 'list-short', 'api-down', 'rate-limit-storm'] as const) {
        world.inject({ kind, forMs: 1e12 });
        await failure(provider.list('gw-', call), 'provider_unavailable');
        world.inject({ kind: 'clear' });
        assert.equal((await provider.list('gw-', call)).length, 1, kind);
      }
    }));

  it('destroys again when the market only said that it did', () =>
    withWorld({}, async (provider, world) => {
      const id = await rentOne(provider, query, 'gw-a-1');
      world.inject({ kind: 'destroy-ignored', times: 1 });
      await provider.destroy(id, call);
      assert.equal((await provider.list('gw-', call)).length, 1);
      await provider.destroy(id, call);
      assert.deepEqual(await provider.list('gw-', call), []);
    }));

  it('has charges that are the bill, to the rounding of a millionth per line', () =>
    withWorld({}, async (provider, world) => {
      for (let i = 0; i < 3; i++) await rentOne(provider, query, `gw-a-${i}`);
      await world.clock.sleep(2 * 3_600_000);
      for (const { id } of await provider.list('gw-', call)) await provider.destroy(id, call);
      const charges = await provider.charges({ from: epochMs(0), to: epochMs(world.clock.now() + 1) }, call);
      const bill = world.bill();
      const sum = charges.reduce((total, { amount }) => total + amount, 0);
      assert.ok(Math.abs(sum - bill.totalNanoUsd / 1_000) <= 0.5 * bill.items.length, `${sum} ${bill.totalNanoUsd}`);
      assert.ok(sum > 100_000, `${sum}`);
      const account = await provider.account(call);
      assert.ok(Math.abs(account.balance - (100e6 - sum)) < 100);
    }));
});
