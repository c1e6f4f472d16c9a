import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { testRandom } from '../../src/testing/seeded-random.ts';
import { model, post, startRig, type Rig } from './harness.ts';

const keys = { red: 'red-key-0123456789abcdef', blue: 'blue-key-0123456789abcdef' };
const fromCache = new Set(['exact', 'semantic', 'coalesced']);

describe('the walls of the cache', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig({ environment: { SELFHOST_API_KEYS: `red:${keys.red},blue:${keys.blue}` } });
  });
  after(() => rig.close());

  const ask = (tenant: 'red' | 'blue', body: object) =>
    post(`${rig.url}/api/chat`, { stream: false, ...body }, { authorization: `Bearer ${keys[tenant]}` });

  it('keep one tenant from the answers of another', async () => {
    const body = { model, messages: [{ role: 'user', content: 'What is our secret recipe?' }] };
    assert.equal((await ask('red', body)).headers.get('x-selfhost-cache'), 'miss');
    assert.equal((await ask('red', body)).headers.get('x-selfhost-cache'), 'exact');
    assert.equal((await ask('blue', body)).headers.get('x-selfhost-cache'), 'miss');
  });

  it('hold for every field that changes the answer, under fuzzed requests: a hit always has an equal request before it', async () => {
    const random = testRandom('scopes');
    const pick = <T>(items: readonly T[]): T => items[random.int(items.length)]!;
    // What was answered behind these walls; a wording that is not close enough to an earlier one has its own.
    const seen = new Map<string, Set<string>>();
    let hits = 0;
    for (let i = 0; i < 400; i++) {
      const tenant = pick(['red', 'blue'] as const);
      // What must match for a hit of any kind; the last user text alone may differ in wording.
      const walls = {
        model: pick([model, 'llama3.2:3b']),
        system: pick([undefined, 'Answer in French.', 'Answer in German.']),
        history: pick([undefined, 'My name is Ann.', 'My name is Bob.']),
        format: pick([undefined, 'json']),
        options: pick([
          {},
          { temperature: 0 },
          { temperature: 0.2, seed: 1 },
          { temperature: 0.2, seed: 2 },
          { stop: ['x'] },
          { top_p: 0.5 },
        ]),
        tenant,
      };
      const text = pick([
        'What is the capital of Peru?',
        'what is the capital of peru',
        'What is the capital of Chile?',
        "What's the capital of Peru?",
      ]);
      const messages = [
        ...(walls.system === undefined ? [] : [{ role: 'system', content: walls.system }]),
        ...(walls.history === undefined
          ? []
          : [
              { role: 'user', content: walls.history },
              { role: 'assistant', content: 'Noted.' },
            ]),
        { role: 'user', content: text },
      ];
      const answer = await ask(tenant, {
        model: walls.model,
        messages,
        options: walls.options,
        ...(walls.format && { format: walls.format }),
      });
      const status = answer.headers.get('x-selfhost-cache')!;
      const content = ((await answer.json()) as { message: { content: string } }).message.content;
      const country = /chile/i.test(text) ? 'chile' : 'peru';
      const key = JSON.stringify([walls, country]);
      if (fromCache.has(status)) {
        hits++;
        assert.ok(seen.get(key)?.has(content), `${status} hit across a wall: ${key}: ${content}`);
      } else {
        assert.equal(status, 'miss');
        seen.set(key, (seen.get(key) ?? new Set()).add(content));
      }
    }
    assert.ok(hits > 50, `only ${hits} hits: the test shows little`);
  });

  it('refuse who has no key or a wrong one, in the dialect', async () => {
    const native = await post(`${rig.url}/api/chat`, { model, messages: [] });
    assert.equal(native.status, 401);
    assert.match(((await native.json()) as { error: string }).error, /Authorization: Bearer/);
    const anthropic = await post(
      `${rig.url}/v1/messages`,
      {},
      { 'x-api-key': 'wrong', 'anthropic-version': '2023-06-01' },
    );
    assert.equal(anthropic.status, 401);
    assert.equal(((await anthropic.json()) as { error: { type: string } }).error.type, 'authentication_error');
  });
});
