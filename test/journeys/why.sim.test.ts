import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FeedbackReply, RequestStory } from '../../src/admin/admin-types.ts';
import { model, post, startRig, type Rig } from './harness.ts';

const keys = { red: 'red-key-0123456789abcdef', blue: 'blue-key-0123456789abcdef' };
type Tenant = keyof typeof keys;

const original = 'How do I reset my password?';
const reworded = 'How can I reset my password?';

describe('an answer can be explained, and disputed', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig({ environment: { SELFHOST_API_KEYS: `red:${keys.red},blue:${keys.blue}` } });
  });
  after(() => rig.close());

  const as = (tenant: Tenant) => ({ authorization: `Bearer ${keys[tenant]}` });

  async function ask(content: string, tenant: Tenant = 'red', headers: Record<string, string> = {}) {
    const reply = await post(
      `${rig.url}/api/chat`,
      { model, messages: [{ role: 'user', content }], stream: false },
      { ...as(tenant), ...headers },
    );
    await reply.text();
    return {
      cache: reply.headers.get('x-selfhost-cache'),
      id: reply.headers.get('x-selfhost-request-id')!,
      entry: reply.headers.get('x-selfhost-entry'),
    };
  }

  async function why(id: string): Promise<RequestStory> {
    const reply = await fetch(`${rig.adminUrl}/api/requests/${id}/why`);
    assert.equal(reply.status, 200);
    return (await reply.json()) as RequestStory;
  }

  const feedback = (requestId: string, verdict: string, tenant: Tenant = 'red') =>
    post(`${rig.url}/cache/feedback`, { requestId, verdict }, as(tenant));
  const codeOf = async (reply: Response) => ((await reply.json()) as { error: { code: string } }).error.code;

  it('tells a hit on other words whole; "wrong" ends it, and leaves the question it belongs to', async () => {
    const first = await ask(original);
    assert.equal(first.cache, 'miss');
    assert.match((await why(first.id)).because, /^A thinker answered, because no stored question is close/);

    const hit = await ask(reworded);
    assert.equal(hit.cache, 'semantic');
    const story = await why(hit.id);
    assert.equal(story.question, reworded);
    assert.deepEqual(
      story.candidates.map(({ text, entryId, chosen }) => ({ text, entryId, chosen })),
      [{ text: original, entryId: hit.entry, chosen: true }],
    );
    assert.ok(story.candidates[0]!.similarity > 0.5);
    assert.ok(story.decision !== undefined && story.decision.says.length > 0);
    assert.deepEqual(
      story.steps.map(({ name }) => name).filter((name) => name.startsWith('· ')),
      ['· embed', '· search', '· fetch', '· verify'],
    );
    assert.equal(story.served?.entryId, hit.entry);
    assert.equal(story.served?.askedBy, first.id);
    assert.equal(story.served?.question, original);

    // Another tenant learns not even that there is such a request.
    const stranger = await feedback(hit.id, 'wrong', 'blue');
    assert.equal(stranger.status, 404);
    assert.equal((await ask(reworded)).cache, 'semantic');

    const taken = await feedback(hit.id, 'wrong');
    assert.equal(taken.status, 200);
    assert.equal(((await taken.json()) as FeedbackReply).effect, 'quarantined');

    const afterwards = await ask(reworded);
    assert.equal(afterwards.cache, 'miss');
    assert.match((await why(afterwards.id)).because, /a person said that/);
    const same = await ask(original);
    assert.equal(same.cache, 'exact');
    const exact = await why(same.id);
    assert.equal(exact.question, original);
    assert.equal(exact.served?.askedBy, first.id);
  });

  it('forgets an answer that is wrong for its own question', async () => {
    const question = 'Which harbour has the tallest lighthouse?';
    await ask(question);
    const hit = await ask(question);
    assert.equal(hit.cache, 'exact');
    const reply = await post(`${rig.adminUrl}/api/requests/${hit.id}/feedback`, { verdict: 'wrong' });
    assert.equal(((await reply.json()) as FeedbackReply).effect, 'removed');
    const again = await ask(question);
    assert.equal(again.cache, 'miss');
    assert.equal((await why(hit.id)).served?.stillStored, false);
  });

  it('explains what never met the cache, and what failed', async () => {
    const bypassed = await ask('Anything', 'red', { 'cache-control': 'no-store' });
    assert.equal(bypassed.cache, 'bypass');
    assert.match((await why(bypassed.id)).because, /not asked: the request said Cache-Control: no-store/);
    const afresh = await ask('Anything', 'red', { 'cache-control': 'no-cache' });
    assert.match((await why(afresh.id)).because, /told to ask afresh/);
    const failed = await post(
      `${rig.url}/api/chat`,
      { model: 'nobody', messages: [{ role: 'user', content: 'x' }] },
      as('red'),
    );
    const story = await why(failed.headers.get('x-selfhost-request-id')!);
    assert.match(story.because, /^It failed: model_not_found/);
    for (const { id } of [bypassed, afresh]) assert.equal(await codeOf(await feedback(id, 'wrong')), 'not_a_hit');
  });

  it('says plainly what it does not know or take', async () => {
    const unknown = await fetch(`${rig.adminUrl}/api/requests/req_nobody/why`);
    assert.equal(unknown.status, 404);
    assert.match(await unknown.text(), /among the last 1000/);
    const nobody = await feedback('req_nobody', 'wrong');
    assert.equal(nobody.status, 404);
    assert.equal(await codeOf(nobody), 'request_not_found');
    for (const [body, expected] of [
      [{ verdict: 'wrong' }, /requestId is missing/],
      [{ requestId: 'x', verdict: 'bad' }, /verdict is "bad"; expected/],
      [{ requestId: 'x', verdict: 'wrong', why: 'no' }, /why is not known here/],
      [[], /the body is not an object/],
    ] as const) {
      const reply = await post(`${rig.url}/cache/feedback`, body, as('red'));
      assert.equal(reply.status, 400);
      assert.match(
        await reply.text().then((text) => (JSON.parse(text) as { error: { message: string } }).error.message),
        expected,
      );
    }
    assert.equal((await post(`${rig.url}/cache/feedback`, { requestId: 'x', verdict: 'wrong' })).status, 401);
    await ask('What does a cooper make?');
    const twice = await ask('What does a cooper make?');
    assert.equal((await feedback(twice.id, 'right')).status, 200);
    const again = await feedback(twice.id, 'right');
    assert.equal(again.status, 429);
    assert.ok(Number(again.headers.get('retry-after')) > 0);
  });
});
