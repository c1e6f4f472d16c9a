import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FakeClock } from '../../testing/fake-clock.ts';
import { httpCall, type HttpReply } from '../../testing/http-call.ts';
import { until } from '../../testing/until.ts';
import type { ThinkerProfile } from '../profiles.ts';
import { createSimulatedThinker, type SimulatedThinker, type SimulatedThinkerOptions } from './server.ts';

/** Round numbers: 100 ms to the first token, 10 ms a token, 1 s to load. */
const profile: ThinkerProfile = {
  name: 'test',
  instant: false,
  ttftBaseMs: 100,
  prefillTokensPerSecond: Infinity,
  tokensPerSecond: 100,
  slotPenalty: 0,
  slots: 1,
  coldLoadMs: 1_000,
  jitter: 0,
};
const model = 'llama3.2:3b';
const body = { model, messages: [{ role: 'user', content: 'Tell me about rain' }], options: { num_predict: 10 } };

describe('simulated thinker, timing and runner', () => {
  let clock: FakeClock;
  let thinker: SimulatedThinker;
  const started: Promise<unknown>[] = [];

  const start = async (options: SimulatedThinkerOptions = {}) => {
    await thinker?.close();
    clock = new FakeClock();
    thinker = createSimulatedThinker({ profile, clock, ...options });
    await thinker.listen();
  };
  /** Sends, and waits until the thinker has it. */
  const send = async (more: object = {}, signal?: AbortSignal) => {
    const before = thinker.stats();
    const call = { text: '', reply: undefined as HttpReply | undefined };
    const running = httpCall(`${thinker.url}/api/chat`, {
      body: { ...body, ...more },
      onChunk: (chunk) => (call.text += chunk.toString()),
      ...(signal && { signal }),
    }).then((reply) => (call.reply = reply));
    started.push(running);
    await until(
      'the thinker has it',
      () => thinker.stats().answers + thinker.stats().refusedBusy > before.answers + before.refusedBusy,
    );
    return {
      ...call,
      get reply() {
        return call.reply;
      },
      get lines() {
        return call.text.split('\n').length - 1;
      },
      running,
    };
  };
  const warm = async () => {
    const load = httpCall(`${thinker.url}/api/generate`, { body: { model, prompt: '' } });
    await until('it loads', () => thinker.stats().queued === 1);
    await clock.advance(profile.coldLoadMs);
    await load;
  };

  beforeEach(() => start());
  afterEach(async () => {
    await thinker.close();
    await Promise.all(started.splice(0));
  });

  it('loads when cold, waits for the first token, then writes at the profile’s pace', async () => {
    const call = await send();
    await clock.advance(1_099);
    assert.equal(call.lines, 0);
    await clock.advance(1);
    await until('the first token', () => call.lines === 1);
    await clock.advance(50);
    await until('five more', () => call.lines === 6);
    await clock.advance(50);
    const last = JSON.parse((await call.running).text.trimEnd().split('\n').at(-1)!);
    assert.deepEqual(
      [last.load_duration, last.prompt_eval_duration, last.eval_duration, last.total_duration],
      [1e9, 1e8, 1e8, 1.2e9],
    );
  });

  it('gives a whole answer after the same time', async () => {
    await warm();
    const call = await send({ stream: false });
    await clock.advance(199);
    assert.equal(call.reply, undefined);
    await clock.advance(1);
    assert.equal((await call.running).status, 200);
  });

  it('generates as many at a time as it has slots, queues the rest, and refuses beyond the queue with 503', async () => {
    await start({ slots: 2, maxQueue: 1 });
    await warm();
    const calls = [await send(), await send(), await send()];
    assert.deepEqual([thinker.stats().active, thinker.stats().queued], [2, 1]);
    const refused = await (await send()).running;
    assert.deepEqual(
      [refused.status, JSON.parse(refused.text).error],
      [503, 'server busy, please try again.  maximum pending requests exceeded'],
    );
    await clock.advance(200);
    assert.ok(
      (await calls[0]!.running).text.includes('"done":true') && (await calls[1]!.running).text.includes('"done":true'),
    );
    assert.equal(thinker.stats().active, 1);
    await clock.advance(200);
    assert.equal((await calls[2]!.running).status, 200);
    assert.deepEqual([thinker.stats().completed, thinker.stats().refusedBusy, thinker.stats().queued], [3, 1, 0]);
  });

  it('slows down each answer when several slots are busy', async () => {
    await start({ profile: { ...profile, slots: 2, slotPenalty: 1 } });
    await warm();
    const [one, two] = [await send(), await send()];
    await clock.advance(200);
    assert.ok(one.lines < 10 && two.lines < 10);
    await clock.advance(100);
    await Promise.all([one.running, two.running]);
  });

  it('reloads when runner options change, after those who still use the old ones, and not for sampling options', async () => {
    await warm();
    const first = await send({ options: { ...body.options, temperature: 0.5 } });
    const other = await send({ options: { ...body.options, num_ctx: 8_192 } });
    await clock.advance(200);
    await first.running;
    assert.equal(other.reply, undefined);
    await clock.advance(1_200);
    await other.running;
    assert.deepEqual([thinker.stats().loads, thinker.stats().reloads], [1, 1]);
    const ps = JSON.parse((await httpCall(`${thinker.url}/api/ps`)).text);
    assert.equal(ps.models[0].context_length, 8_192);
  });

  it('unloads after keep_alive, at once for 0, never for a negative one', async () => {
    const resident = async () => JSON.parse((await httpCall(`${thinker.url}/api/ps`)).text).models.length;
    const run = async (keepAlive: unknown) => {
      const call = await send({ keep_alive: keepAlive });
      await clock.advance(1_200);
      await call.running;
    };
    await run('30s');
    await clock.advance(29_000);
    assert.equal(await resident(), 1);
    await clock.advance(1_000);
    assert.equal(await resident(), 0);
    await run(0);
    assert.equal(await resident(), 0);
    await run(-1);
    await clock.advance(10 * 24 * 3_600_000);
    assert.equal(await resident(), 1);
  });

  it('evicts the model unused longest when the GPU is full', async () => {
    await start({ profile: { ...profile, coldLoadMs: 0 }, maxLoadedModels: 2 });
    for (const name of [model, 'qwen3:4b', 'gemma3:4b']) {
      await httpCall(`${thinker.url}/api/generate`, { body: { model: name, prompt: '' } });
      await clock.advance(1_000);
    }
    const ps = JSON.parse((await httpCall(`${thinker.url}/api/ps`)).text).models as { name: string }[];
    assert.deepEqual(
      ps.map(({ name }) => name),
      ['qwen3:4b', 'gemma3:4b'],
    );
  });

  it('stops a generation at the next token when its caller leaves, streamed or not', async () => {
    await warm();
    for (const stream of [true, false]) {
      thinker.reset();
      await warm();
      const leave = new AbortController();
      const call = await send({ stream }, leave.signal);
      await clock.advance(100 + 30);
      if (stream) await until('some tokens', () => call.lines === 4);
      leave.abort();
      await until('the connection is closed', () => thinker.stats().connectionsOpen === 0);
      await clock.advance(10);
      assert.deepEqual([thinker.stats().cancelled, thinker.stats().active, thinker.stats().tokensMade], [1, 0, 4]);
    }
  });

  it('goes on with the prompt of a caller who left, as Ollama does, unless told to notice at once', async () => {
    for (const [cancelNotice, active] of [
      ['at-token', 1],
      ['at-once', 0],
    ] as const) {
      await start({ cancelNotice });
      await warm();
      const leave = new AbortController();
      await send({}, leave.signal);
      leave.abort();
      await until('the connection is closed', () => thinker.stats().connectionsOpen === 0);
      assert.equal(thinker.stats().active, active);
      await clock.advance(100);
      assert.deepEqual([thinker.stats().active, thinker.stats().cancelled, thinker.stats().tokensMade], [0, 1, 0]);
    }
  });

  it('forgets a caller who leaves the queue', async () => {
    await warm();
    const first = await send();
    const leave = new AbortController();
    await send({}, leave.signal);
    leave.abort();
    await until('the queue is empty', () => thinker.stats().queued === 0);
    await clock.advance(200);
    assert.equal((await first.running).end, 'complete');
    assert.deepEqual([thinker.stats().completed, thinker.stats().cancelled, thinker.stats().tokensMade], [1, 1, 10]);
  });

  it('leaves no timer behind when it closes in the middle of answers', async () => {
    await start({ slots: 2 });
    await warm();
    await send();
    await send({ model: 'qwen3:4b' });
    await clock.advance(150);
    await thinker.close();
    assert.equal(clock.pendingTimers, 0);
  });
});
