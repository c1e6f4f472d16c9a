import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { httpCall } from '../../testing/http-call.ts';
import { until } from '../../testing/until.ts';
import type { ScriptedResponse } from './script.ts';
import { createSimulatedThinker, type SimulatedThinker } from './server.ts';

const model = 'llama3.2:3b';
const messages = [{ role: 'user', content: 'Say “häß 🌧”' }];

describe('simulated thinker, control surface', () => {
  let thinker: SimulatedThinker;
  const post = (path: string, body: object) => httpCall(thinker.url + path, { body });
  const chat = () => post('/api/chat', { model, messages });
  const script = (...responses: ScriptedResponse[]) => post('/__sim/script', { model, responses });

  before(async () => {
    thinker = createSimulatedThinker({ control: true, keptRequestsMax: 2 });
    await thinker.listen();
  });
  beforeEach(() => thinker.reset());
  after(() => thinker.close());

  it('cuts a recorded answer at every byte, one request after the other, and then answers itself again', async () => {
    const recorded = await chat();
    const bytes = Buffer.from(recorded.text);
    const cuts = Array.from({ length: 120 }, (_, i) => Math.floor((i * bytes.length) / 120));
    await script(
      ...cuts.map((cut) => ({
        steps: [{ writeBase64: bytes.subarray(0, cut).toString('base64') }, { finish: 'destroy' as const }],
      })),
    );
    for (const cut of cuts) {
      const reply = await chat();
      assert.deepEqual(
        [reply.end, Buffer.concat(reply.chunks).equals(bytes.subarray(0, cut))],
        ['cut', true],
        `cut at ${cut}`,
      );
    }
    assert.equal((await chat()).end, 'complete');
    assert.equal(thinker.stats().scriptsPlayed, cuts.length);
  });

  it('sends each write as a chunk of its own, also in the middle of a character', async () => {
    const bytes = Buffer.from('{"x":"🌧"}\n');
    await script({ steps: [...bytes].map((byte) => ({ writeBase64: Buffer.from([byte]).toString('base64') })) });
    const reply = await chat();
    assert.deepEqual([reply.text, reply.end], ['{"x":"🌧"}\n', 'complete']);
    assert.equal(reply.chunks.length, bytes.length);
  });

  it('sends any status and headers, resets, and serves every inference route of the model', async () => {
    await script(
      {
        status: 418,
        headers: { 'x-kettle': 'on', 'content-type': 'text/plain' },
        steps: [{ write: 'short and stout' }],
      },
      { steps: [{ finish: 'reset' }] },
      { status: 503, steps: [] },
    );
    const first = await post('/api/generate', { model, prompt: 'x' });
    assert.deepEqual([first.status, first.headers['x-kettle'], first.text], [418, 'on', 'short and stout']);
    assert.equal((await post('/api/embed', { model, input: 'x' })).status, 0);
    assert.equal((await chat()).status, 503);
    assert.equal((await chat()).status, 200);
  });

  it('holds a response until it is released', async () => {
    await script({ steps: [{ write: 'one\n' }, { hold: 'gate' }, { write: 'two\n' }] });
    let text = '';
    const reply = httpCall(`${thinker.url}/api/chat`, {
      body: { model, messages },
      onChunk: (chunk) => (text += chunk.toString()),
    });
    await until('the first write', () => text === 'one\n');
    await until('it holds', () => thinker.release('gate') === 1);
    assert.equal((await reply).text, 'one\ntwo\n');
    assert.deepEqual(JSON.parse((await post('/__sim/release', { hold: 'gate' })).text), { released: 0 });
  });

  it('refuses a script it does not understand, saying which response is wrong', async () => {
    assert.match((await post('/__sim/script', { responses: [] })).text, /script\.model/);
    assert.match(
      (await script({ steps: [] }, { steps: [{ scream: 1 } as never] })).text,
      /script\.responses\[1\]\.steps/,
    );
  });

  it('tells statistics and the last requests, and resets', async () => {
    await chat();
    await post('/api/embed', { model: 'all-minilm', input: ['a', 'b'] });
    const stats = JSON.parse((await httpCall(`${thinker.url}/__sim/stats`)).text);
    assert.deepEqual([stats.answers, stats.completed, stats.textsEmbedded, stats.requests['/api/chat']], [1, 1, 2, 1]);
    const { requests } = JSON.parse((await httpCall(`${thinker.url}/__sim/requests`)).text);
    assert.deepEqual(
      requests.map((one: { path: string }) => one.path),
      ['/api/chat', '/api/embed'],
    );
    assert.deepEqual(requests[0].body.messages, messages);
    assert.equal((await post('/__sim/reset', {})).status, 200);
    assert.deepEqual([thinker.stats().answers, thinker.requests().length], [0, 0]);
  });

  it('takes blobs by digest, and refuses one that does not match', async () => {
    const data = Buffer.from('weights, so to speak');
    const digest = `sha256:${createHash('sha256').update(data).digest('hex')}`;
    const url = `${thinker.url}/api/blobs/${digest}`;
    assert.equal((await httpCall(url, { method: 'HEAD' })).status, 404);
    const wrong = await httpCall(url, { body: Buffer.from('others') });
    assert.equal(wrong.status, 400);
    assert.match(JSON.parse(wrong.text).error, /^digest mismatch, expected "sha256:/);
    assert.equal((await httpCall(url, { body: data })).status, 201);
    assert.equal((await httpCall(url, { method: 'HEAD' })).status, 200);
    assert.equal((await httpCall(`${thinker.url}/api/blobs/md5:1`, { method: 'HEAD' })).status, 400);
    const created = await post('/api/create', { model: 'own', files: { 'own.gguf': digest }, stream: false });
    assert.deepEqual(JSON.parse(created.text), { status: 'success' });
    const unknown = digest.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    assert.equal((await post('/api/create', { model: 'own2', files: { 'own.gguf': unknown } })).status, 400);
  });
});
