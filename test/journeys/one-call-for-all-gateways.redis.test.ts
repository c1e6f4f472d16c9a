import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { thinkerProfile } from '../../src/sim/profiles.ts';
import { createSimulatedThinker } from '../../src/sim/thinker-server/server.ts';
import { startRedis, type RedisServer } from '../../src/testing/redis-kit.ts';
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
}

async function openDoor(sim: ReturnType<typeof createSimulatedThinker>): Promise<Door> {
  let calls = 0;
  const server = createServer((request, response) => {
    if (request.url === '/api/chat' || request.url === '/api/generate') calls += 1;
    sim.handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, calls: () => calls };
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
    gateways = await Promise.all(doors.map(start));
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

  const start = async ({ url }: Door): Promise<GatewayProcess> => {
    const gateway = await startGatewayProcess({
      thinkers: [{ url, name: 'sim', maxConcurrency: 256 }],
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
      const gateway = Math.floor(i / questions) % 2;
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

  it('lose no answer of the other gateway when one is killed half-way, at the cost of what it led', async () => {
    const before = sim.stats().answers;
    const called = doors.map(({ calls }) => calls());
    const asked = askAll('Second');
    await until('half of the answers are being made', () => sim.stats().answers - before >= questions / 2, 20_000);
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
    const [ofKilled, ofOther] = doors.map(({ calls }, at) => calls() - called[at]!) as [number, number];
    // Each asks once for a question at most: what is asked twice was in the flight of the one that died.
    assert.ok(ofKilled <= questions && ofOther <= questions, `${ofKilled} and ${ofOther} upstream calls`);
    assert.ok(ofKilled + ofOther >= questions);
  });
});
