/** Keys as their holders meet them: made on the command line, used by the official clients. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { runCommand } from '../support/cli.ts';
import type { KeyListView, KeyView, NewKeyView } from '../../src/admin/admin-types.ts';
import { model, post, startRig, type Rig } from './harness.ts';

describe('API keys', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig();
  });
  after(() => rig.close());

  const keys = async (...words: string[]) =>
    runCommand(['keys', ...words, '--admin-url', rig.adminUrl], { environment: {} });
  const create = async (...words: string[]): Promise<NewKeyView> =>
    JSON.parse((await keys('create', ...words, '--json')).out) as NewKeyView;
  const ask = (key: string | undefined, text: string, more: Record<string, unknown> = {}) =>
    post(
      `${rig.url}/api/chat`,
      { model, stream: false, messages: [{ role: 'user', content: text }], ...more },
      key === undefined ? {} : { authorization: `Bearer ${key}` },
    );

  it('are asked for from the first one on, in every dialect and in its own words', async () => {
    assert.equal((await ask(undefined, 'Is anybody there?')).status, 200);
    const made = await keys('create', '--tenant', 'acme');
    assert.match(made.out, /^shk_[0-9A-Za-z]{40}\n$/);
    assert.match(made.err, /first key: from now on clients without one are refused/);
    const key = made.out.trim();

    await assert.rejects(new Ollama({ host: rig.url }).list(), /no API key was sent/);
    const messages = [{ role: 'user' as const, content: 'Who am I?' }];
    await assert.rejects(
      new OpenAI({ baseURL: `${rig.url}/v1`, apiKey: 'wrong', maxRetries: 0 }).chat.completions.create({
        model,
        messages,
      }),
      (error) => error instanceof OpenAI.AuthenticationError && error.message.includes('not known here'),
    );
    await assert.rejects(
      new Anthropic({ baseURL: rig.url, apiKey: 'wrong', maxRetries: 0 }).messages.create({
        model,
        messages,
        max_tokens: 9,
      }),
      (error) => error instanceof Anthropic.AuthenticationError,
    );

    const ollama = new Ollama({ host: rig.url, headers: { authorization: `Bearer ${key}` } });
    assert.ok((await ollama.chat({ model, messages })).message.content.length > 0);
    const openai = new OpenAI({ baseURL: `${rig.url}/v1`, apiKey: key });
    assert.ok((await openai.chat.completions.create({ model, messages })).choices[0]!.message.content);
    const anthropic = new Anthropic({ baseURL: rig.url, apiKey: key });
    assert.equal((await anthropic.messages.create({ model, messages, max_tokens: 500 })).type, 'message');
  });

  it('see only the models they may ask', async () => {
    const { key } = await create('--tenant', 'narrow', '--model', model);
    const openai = new OpenAI({ baseURL: `${rig.url}/v1`, apiKey: key, maxRetries: 0 });
    const seen: string[] = [];
    for await (const each of openai.models.list()) seen.push(each.id);
    assert.deepEqual(seen, [model]);
    const messages = [{ role: 'user' as const, content: 'Hello?' }];
    await assert.rejects(
      openai.chat.completions.create({ model: 'llama3.2:3b', messages }),
      (error) =>
        error instanceof OpenAI.PermissionDeniedError && /may not ask model `llama3\.2:3b`/.test(error.message),
    );
    await assert.rejects(openai.embeddings.create({ model: 'all-minilm', input: 'x' }), OpenAI.PermissionDeniedError);
    await assert.rejects(openai.models.retrieve('llama3.2:3b'), OpenAI.NotFoundError);
    const shown = await post(`${rig.url}/api/show`, { model: 'llama3.2:3b' }, { authorization: `Bearer ${key}` });
    assert.equal(shown.status, 403);
  });

  it('are held to their pace, and told when to come again', async () => {
    const { key } = await create('--tenant', 'slow', '--requests-per-minute', '2');
    assert.equal((await ask(key, 'One?')).status, 200);
    assert.equal((await ask(key, 'Two?')).status, 200);
    const third = await ask(key, 'Three?');
    assert.equal(third.status, 429);
    assert.ok(Number(third.headers.get('retry-after')) > 0);
    assert.match(await third.text(), /2 requests a minute/);
  });

  it('are walls of the cache, unless they share', async () => {
    const [red, blue] = [await create('--tenant', 'red'), await create('--tenant', 'blue')];
    const [one, two] = [
      await create('--tenant', 'red', '--cache', 'shared'),
      await create('--tenant', 'blue', '--cache', 'shared'),
    ];
    const [mine, own] = [
      await create('--tenant', 'red', '--cache', 'private'),
      await create('--tenant', 'red', '--cache', 'private'),
    ];
    const none = await create('--tenant', 'red', '--cache', 'off');
    const from = async ({ key }: NewKeyView): Promise<string | null> => {
      const reply = await ask(key, 'What does the fox say?');
      assert.equal(reply.status, 200);
      return reply.headers.get('x-selfhost-cache');
    };
    const told: (string | null)[] = [];
    for (const key of [red, red, blue, one, two, mine, own, own, none, none]) told.push(await from(key));
    assert.deepEqual(told, [
      'miss',
      'exact',
      'miss', // another tenant
      'miss',
      'exact', // both share
      'miss',
      'miss', // private, though of one tenant
      'exact',
      'bypass',
      'bypass',
    ]);
  });

  it('let a client of shared answers dispute one', async () => {
    const { key } = await create('--tenant', 'green', '--cache', 'shared');
    await ask(key, 'What does the owl say?');
    const hit = await ask(key, 'What does the owl say?');
    assert.equal(hit.headers.get('x-selfhost-cache'), 'exact');
    const word = await post(
      `${rig.url}/cache/feedback`,
      { requestId: hit.headers.get('x-selfhost-request-id'), verdict: 'wrong' },
      { authorization: `Bearer ${key}` },
    );
    assert.equal(word.status, 200);
    assert.equal((await ask(key, 'What does the owl say?')).headers.get('x-selfhost-cache'), 'miss');
  });

  it('are listed with their use, rotated and revoked on the command line', async () => {
    const first = await create('--tenant', 'wheel', '--name', 'night job');
    await ask(first.key, 'Count me.');
    const list = JSON.parse((await keys('list', '--json')).out) as KeyListView;
    const row = list.keys.find(({ id }) => id === first.record.id)!;
    assert.equal(row.usage.requests, 1);
    assert.ok(row.usage.tokens > 0);
    assert.ok(!JSON.stringify(list).includes(first.key) && !('sha256' in row));
    assert.match((await keys('list')).out, /wheel .*active .*no limits .*night job/);

    const rotated = JSON.parse((await keys('rotate', first.record.id, '--grace', '0s', '--json')).out) as NewKeyView;
    assert.equal((await ask(first.key, 'Still me?')).status, 401);
    assert.equal((await ask(rotated.key, 'Me again?')).status, 200);
    const revoked = JSON.parse((await keys('revoke', rotated.record.id, '--json')).out) as KeyView;
    assert.equal(revoked.state, 'revoked');
    assert.equal((await ask(rotated.key, 'And now?')).status, 401);
    await assert.rejects(keys('revoke', 'key_nobody'), /there is no API key `key_nobody`/);
  });

  it('are refused when they make no sense', async () => {
    const refused = async (...words: string[]) => assert.rejects(keys('create', ...words));
    await refused('--tenant', 'no spaces');
    await assert.rejects(keys('create', '--tenant', 'x y'), /tenant: expected letters, digits/);
    assert.notEqual((await keys('create', '--tenant', 'x', '--usd-per-day', '-1')).code, 0);
    assert.notEqual((await keys('create', '--tenant', 'x', '--cache', 'some')).code, 0);
  });
});

describe('the daily cap of a key', () => {
  let rig: Rig;
  before(async () => {
    // A dear thinker: every answer is worth cents.
    rig = await startRig({ price: 1000, sim: { profile: 'demo' } });
  });
  after(() => rig.close());

  it('stops new questions with 402, and lets stored answers go on', async () => {
    const made = await runCommand(
      ['keys', 'create', '--tenant', 'acme', '--usd-per-day', '0.000001', '--json', '--admin-url', rig.adminUrl],
      { environment: {} },
    );
    const { key } = JSON.parse(made.out) as NewKeyView;
    const headers = { authorization: `Bearer ${key}` };
    const ask = (text: string) =>
      post(`${rig.url}/api/chat`, { model, stream: false, messages: [{ role: 'user', content: text }] }, headers);
    assert.equal((await ask('What is a cap?')).status, 200);
    const refused = await ask('What is a budget?');
    assert.equal(refused.status, 402);
    assert.match(await refused.text(), /has spent its \$0\.000001 of today; cached answers continue/);
    const stored = await ask('What is a cap?');
    assert.equal(stored.status, 200);
    assert.equal(stored.headers.get('x-selfhost-cache'), 'exact');
    const openai = new OpenAI({ baseURL: `${rig.url}/v1`, apiKey: key, maxRetries: 0 });
    await assert.rejects(
      openai.chat.completions.create({ model, messages: [{ role: 'user', content: 'More?' }] }),
      (error) => error instanceof OpenAI.APIError && error.status === 402,
    );
    const other = await runCommand(['keys', 'create', '--tenant', 'acme', '--json', '--admin-url', rig.adminUrl]);
    const free = JSON.parse(other.out) as NewKeyView;
    const reply = await post(
      `${rig.url}/api/chat`,
      { model, stream: false, messages: [{ role: 'user', content: 'What is a budget?' }] },
      { authorization: `Bearer ${free.key}` },
    );
    assert.equal(reply.status, 200, 'another key of the tenant has its own cap');
  });
});
