import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { FakeClock } from '../../testing/fake-clock.ts';
import { httpCall, type HttpReply } from '../../testing/http-call.ts';
import { until } from '../../testing/until.ts';
import { faultTable, parseFault } from './faults.ts';
import { createSimulatedThinker, type SimulatedThinker } from './server.ts';

const messages = [{ role: 'user', content: 'What is the capital of France?' }];
const whole = (reply: HttpReply) =>
  reply.status === 200 && reply.end === 'complete' && reply.text.includes('"done":true');

/** The complete lines of a body. */
const lines = (reply: HttpReply) =>
  reply.text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe('fault names', () => {
  it('parse with and without a tag, whatever their case, and each listed example is one', () => {
    for (const { example } of faultTable) {
      assert.ok(parseFault(example), example);
      assert.deepEqual(parseFault(`${example}:latest`), parseFault(example));
      assert.deepEqual(parseFault(example.toUpperCase()), parseFault(example));
    }
    assert.deepEqual(parseFault('fault-cut-12:7b')?.fault, { kind: 'cut', tokens: 12 });
    assert.deepEqual(parseFault('fault-slow-first-250')?.fault, { kind: 'slow-first', ms: 250 });
    assert.deepEqual(parseFault('fault-cold-1.5')?.fault, { kind: 'cold', ms: 1_500 });
  });

  it('are nothing for ordinary models and for unknown faults', () => {
    for (const name of ['llama3.2:3b', 'fault', 'fault-cut', 'fault-unknown-3', 'my-fault-500'])
      assert.equal(parseFault(name), undefined);
  });
});

describe('simulated thinker, faults', () => {
  let thinker: SimulatedThinker;
  const chat = (model: string, more: object = {}) =>
    httpCall(`${thinker.url}/api/chat`, { body: { model, messages, ...more } });
  const embed = (model: string) => httpCall(`${thinker.url}/api/embed`, { body: { model, input: 'x' } });

  before(async () => {
    thinker = createSimulatedThinker();
    await thinker.listen();
  });
  beforeEach(() => thinker.reset());
  after(() => thinker.close());

  it('are listed by /api/tags', async () => {
    const tags = JSON.parse((await httpCall(`${thinker.url}/api/tags`)).text) as { models: { name: string }[] };
    const names = new Set(tags.models.map(({ name }) => name));
    for (const { example } of faultTable) assert.ok(names.has(`${example}:latest`), example);
  });

  it('answer a status with its words and its Retry-After', async () => {
    const cases: [string, number, string, string | undefined][] = [
      ['fault-429', 429, 'too many requests', undefined],
      ['fault-429-retry-after', 429, 'too many requests', '1'],
      ['fault-429-retry-after-7:latest', 429, 'too many requests', '7'],
      ['fault-500', 500, 'simulated failure of the runner', undefined],
      ['fault-503-busy', 503, 'server busy, please try again.  maximum pending requests exceeded', undefined],
      ['fault-context-length', 400, 'the input length exceeds the context length', undefined],
      ['fault-not-pulled:latest', 404, "model 'fault-not-pulled:latest' not found", undefined],
    ];
    for (const [model, status, message, retryAfter] of cases) {
      for (const reply of [await chat(model), await chat(model, { stream: false }), await embed(model)]) {
        assert.deepEqual([reply.status, JSON.parse(reply.text)], [status, { error: message }], model);
        assert.equal(reply.headers['retry-after'], retryAfter, model);
      }
    }
  });

  it('strike once and then not again, until a reset', async () => {
    for (const model of [
      'fault-500-once',
      'fault-503-busy-once',
      'fault-429-once',
      'fault-reset-once',
      'fault-cut-once-2',
      'fault-eof-once-2',
    ]) {
      assert.ok(!whole(await chat(model)), model);
      assert.ok(whole(await chat(model)), model);
      assert.ok(whole(await chat(model)), model);
    }
    thinker.reset();
    assert.equal((await chat('fault-500-once')).status, 500);
  });

  it('flap: every odd request fails', async () => {
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await chat('fault-flap')).status);
    assert.deepEqual(statuses, [500, 200, 500, 200]);
  });

  it('reset the connection before any byte of the answer', async () => {
    const reply = await chat('fault-reset');
    assert.deepEqual([reply.status, reply.end, reply.text], [0, 'cut', '']);
  });

  it('answer like a broken proxy', async () => {
    const reply = await chat('fault-html-502');
    assert.deepEqual([reply.status, reply.headers['content-type']], [502, 'text/html']);
    assert.match(reply.text, /<html>/);
  });

  it('cut the socket after exactly k tokens, having sent them', async () => {
    for (const k of [0, 1, 5]) {
      const reply = await chat(`fault-cut-${k}`);
      assert.deepEqual([reply.status, reply.end, lines(reply).length], [200, 'cut', k]);
      assert.ok(!reply.text.includes('"done":true'));
    }
    assert.equal((await chat('fault-cut-5', { stream: false })).status, 0);
  });

  it('end cleanly without done:true after k tokens', async () => {
    const reply = await chat('fault-eof-5');
    assert.deepEqual([reply.status, reply.end, lines(reply).length], [200, 'complete', 5]);
    assert.ok(lines(reply).every((line) => line.done === false));
    const half = await chat('fault-eof-5', { stream: false });
    assert.equal(half.end, 'complete');
    assert.throws(() => JSON.parse(half.text));
  });

  it('write a line that is no JSON after k tokens and go on', async () => {
    const reply = await chat('fault-malformed-2');
    const raw = reply.text.trimEnd().split('\n');
    assert.equal(reply.end, 'complete');
    assert.doesNotThrow(() => raw.slice(0, 2).map((line) => JSON.parse(line)));
    assert.throws(() => JSON.parse(raw[2]!));
    assert.equal(JSON.parse(raw.at(-1)!).done, true);
  });

  it('write an error line after k tokens and no done:true; a whole answer is a 500', async () => {
    const reply = await chat('fault-inband-error-3');
    const all = lines(reply);
    assert.deepEqual([reply.status, all.length, Object.keys(all[3])], [200, 4, ['error']]);
    assert.equal((await chat('fault-inband-error-3', { stream: false })).status, 500);
  });

  it('stall after k tokens with the connection open, and hold the slot until the caller leaves', async () => {
    const leave = new AbortController();
    let seen = '';
    const reply = chat0('fault-stall-4', leave.signal, (chunk) => (seen += chunk.toString()));
    await until('four tokens', () => seen.split('\n').length === 5);
    assert.equal(thinker.stats().active, 1);
    leave.abort();
    assert.equal((await reply).end, 'left');
    await until('the slot is free', () => thinker.stats().active === 0);
    assert.deepEqual([thinker.stats().cancelled, thinker.stats().tokensMade], [1, 4]);
  });

  it('stay silent until the caller leaves', async () => {
    const leave = new AbortController();
    const reply = chat0('fault-silent', leave.signal);
    await until('the request came', () => thinker.stats().requests['/api/chat'] === 1);
    leave.abort();
    assert.deepEqual([(await reply).status, (await reply).text], [0, '']);
    await until('the connection is closed', () => thinker.stats().connectionsOpen === 0);
  });

  const chat0 = (model: string, signal: AbortSignal, onChunk: (chunk: Buffer) => void = () => {}) =>
    httpCall(`${thinker.url}/api/chat`, { body: { model, messages }, signal, onChunk });
});

describe('simulated thinker, slow faults', () => {
  it('send the first token late, or load the model anew at each request, for as long as the name says', async () => {
    const clock = new FakeClock();
    const thinker = createSimulatedThinker({ clock });
    await thinker.listen();
    try {
      for (const [model, ms] of [
        ['fault-slow-first-2000', 2_000],
        ['fault-cold-3', 3_000],
        ['fault-cold-3', 3_000],
      ] as const) {
        let reply: HttpReply | undefined;
        const running = httpCall(`${thinker.url}/api/chat`, { body: { model, messages } }).then((got) => (reply = got));
        await until('it waits', () => clock.pendingTimers > 0 && thinker.stats().active + thinker.stats().queued === 1);
        await clock.advance(ms - 1);
        assert.equal(reply, undefined, `${model} answered early`);
        await clock.advance(1);
        assert.ok(whole(await running));
      }
      assert.deepEqual([thinker.stats().loads, thinker.stats().reloads], [2, 1]);
    } finally {
      await thinker.close();
    }
  });

  it('can be switched off: the names are then ordinary models that are not there', async () => {
    const thinker = createSimulatedThinker({ faults: false });
    await thinker.listen();
    try {
      assert.equal((await httpCall(`${thinker.url}/api/chat`, { body: { model: 'fault-500', messages } })).status, 404);
      assert.ok(!(await httpCall(`${thinker.url}/api/tags`)).text.includes('fault-'));
    } finally {
      await thinker.close();
    }
  });
});
