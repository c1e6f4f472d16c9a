import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { thinkerProfile } from '../../src/sim/profiles.ts';
import { createSimulatedThinker } from '../../src/sim/thinker-server/server.ts';
import { startRedis, type RedisServer } from '../../src/testing/redis-kit.ts';
import { eventually } from '../../src/testing/redis-shapes.ts';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.ts';
import { until } from '../support/until.ts';

const model = 'qwen2:7b-instruct-q6_K';
const clients = 500;
const questions = 50;

/** The same question in each dialect, streamed and not; and where its words are. */
const dialects: readonly {
  readonly path: string;
  readonly body: (question: string) => unknown;
  readonly textOf: (reply: string) => string;
}[] = [
  {
    path: '/api/chat',
    body: (content) => ({ model, messages: [{ role: 'user', content }], stream: false }),
    textOf: (reply) => (JSON.parse(reply) as { message: { content: string } }).message.content,
  },
  {
    path: '/api/chat',
    body: (content) => ({ model, messages: [{ role: 'user', content }] }),
    textOf: (reply) =>
      reply
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { message: { content: string } }).message.content)
        .join(''),
  },
  {
    path: '/v1/chat/completions',
    body: (content) => ({ model, messages: [{ role: 'user', content }] }),
    textOf: (reply) =>
      (JSON.parse(reply) as { choices: { message: { content: string } }[] }).choices[0]!.message.content,
  },
  {
    path: '/v1/responses',
    body: (input) => ({ model, input }),
    textOf: (reply) =>
      (JSON.parse(reply) as { output: { content: { text: string }[] }[] }).output.at(-1)!.content[0]!.text,
  },
  {
    path: '/v1/messages',
    body: (content) => ({ model, max_tokens: 4096, messages: [{ role: 'user', content }] }),
    textOf: (reply) => (JSON.parse(reply) as { content: { text: string }[] }).content[0]!.text,
  },
];

interface Door {
  readonly server: Server;
  readonly url: string;
  /** Questions that came through it. */
  readonly calls: () => number;
  /** From now on, every second question is kept at the door, and nobody answers it. */
  holdEverySecond(): void;
  /** Questions that are or were kept at it. */
  readonly held: () => number;
}

async function openDoor(sim: ReturnType<typeof createSimulatedThinker>): Promise<Door> {
  let calls = 0;
  let holds = false;
  let held = 0;
  const server = createServer((request, response) => {
    if (request.url === '/api/chat' || request.url === '/api/generate') {
      calls += 1;
      if (holds && calls % 2 === 0) {
        held += 1;
        return;
      }
    }
    sim.handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { server, url, calls: () => calls, holdEverySecond: () => void (holds = true), held: () => held };
}

interface Told {
  readonly question: number;
  readonly gateway: number;
  readonly text: string | undefined;
}

describe('500 clients of two gateways that ask 50 questions in all dialects', () => {
  let redis: RedisServer;
  let sim: ReturnType<typeof createSimulatedThinker>;
  let gateways: GatewayProcess[];
  /** Of the one thinker, one for each gateway: so that calls are counted by who makes them. */
  let doors: readonly Door[];

  before(async () => {
    redis = await startRedis();
    const profile = { ...thinkerProfile('demo'), slots: 2 * questions, slotPenalty: 0 };
    sim = createSimulatedThinker({ profile, cancelNotice: 'at-once' });
    doors = await Promise.all([openDoor(sim), openDoor(sim)]);
    gateways = await Promise.all(doors.map(({ url }, at) => start(url, `door-${at}`)));
  });
  after(async () => {
    await Promise.all(gateways.map((each) => each.stop()));
    for (const { server } of doors) {
      server.closeAllConnections();
      server.close();
    }
    await sim.close();
    await redis.stop();
  });

  const start = async (url: string, name: string): Promise<GatewayProcess> => {
    const gateway = await startGatewayProcess({
      thinkers: [{ url, name, maxConcurrency: 256 }],
      telemetry: { logLevel: 'error' },
      // The thinker shares this process with 500 clients: its probes may be late.
      router: { ejectAfterFailures: 100 },
      // What is counted here must not depend on how busy the machine is.
      redis: { url: redis.url, deadlineMinMs: 3_000, deadlineMaxMs: 3_000 },
    });
    await until(
      'the gateway is whole',
      async () => {
        const status = (await (await fetch(`${gateway.adminUrl}/api/status`)).json()) as {
          cache: { shared?: { state: string; stale: boolean } };
          thinkers: { state: string }[];
        };
        return status.cache.shared?.stale === false && status.thinkers.every(({ state }) => state === 'ready');
      },
      30_000,
    );
    return gateway;
  };

  const askAll = (wave: string): Promise<Told>[] =>
    Array.from({ length: clients }, async (_, i) => {
      const question = i % questions;
      // Of neighbouring questions, one is asked here first and one there: both lead.
      const gateway = (i + Math.floor(i / questions)) % 2;
      const { path, body, textOf } = dialects[Math.floor(i / (2 * questions)) % dialects.length]!;
      try {
        const response = await fetch(`${gateways[gateway]!.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body(`${wave}: what is special about the number ${question}?`)),
        });
        const reply = await response.text();
        assert.equal(response.status, 200, reply);
        return { question, gateway, text: textOf(reply) };
      } catch (error) {
        // Of a gateway that has been killed.
        if (error instanceof TypeError) return { question, gateway, text: undefined };
        throw error;
      }
    });

  it('make exactly 50 upstream calls, and each gets the whole answer', async () => {
    const before = sim.stats().answers;
    const told = await Promise.all(askAll('First'));
    assert.equal(sim.stats().answers - before, questions);
    for (let question = 0; question < questions; question++) {
      const texts = new Set(told.filter((each) => each.question === question).map(({ text }) => text));
      assert.equal(texts.size, 1, `question ${question} was answered in ${texts.size} ways`);
      assert.ok([...texts][0]!.length > 20);
    }
  });

  /** Of flights: who asks, and what it has been told so far. */
  const records = async (): Promise<ReadonlySet<string>> => new Set(await redis.client.keys('sc:*s:*'));

  /** Answers that the gateway behind a door has asked for and not told the other one to their end. It must be frozen. */
  async function inFlightOf(
    at: number,
    { callsBefore, earlier }: { readonly callsBefore: number; readonly earlier: ReadonlySet<string> },
  ): Promise<number> {
    let calls = -1;
    let same = 0;
    // More than one look at which nothing has come: this process is busy with 500 clients.
    await eventually('what it had sent has come in', () => {
      const now = doors[at]!.calls() - callsBefore;
      same = now === calls ? same + 1 : 0;
      calls = now;
      return same === 10;
    });
    let told = 0;
    for (const record of await records()) {
      if (earlier.has(record)) continue;
      const rows = await redis.client.xrange(record, '-', '+');
      const text = rows.map(([, fields]) => fields.join(' ')).join(' ');
      if (text.includes(`"door-${at}"`) && text.includes('"type":"end"')) told += 1;
    }
    return calls - told;
  }

  it('make 50 and those in the flight of a gateway that is killed half-way, and lose no answer of the other', async () => {
    const called = doors.map(({ calls }) => calls());
    const earlier = await records();
    // Or on a busy machine all of its answers are told before this test sees that half of them are being made.
    doors[0]!.holdEverySecond();
    const asked = askAll('Second');
    await until('it waits for some answers and has some', () => doors[0]!.held() >= 5, 20_000);
    gateways[0]!.freeze();
    const inFlight = await inFlightOf(0, { callsBefore: called[0]!, earlier });
    await gateways[0]!.kill();
    const told = await Promise.all(asked);
    for (const { gateway, text, question } of told)
      if (gateway === 1) assert.ok(text, `question ${question} has no answer`);
    for (let question = 0; question < questions; question++) {
      const texts = new Set(
        told.filter((each) => each.question === question && each.text !== undefined).map(({ text }) => text),
      );
      assert.equal(texts.size, 1);
    }
    const calls = doors.reduce((sum, door, at) => sum + door.calls() - called[at]!, 0);
    assert.ok(inFlight > 0 && inFlight <= questions, `${inFlight} were in its flight`);
    assert.ok(calls >= questions && calls <= questions + inFlight, `${calls} calls, ${inFlight} in its flight`);
  });
});
