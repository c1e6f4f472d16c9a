/** What is rented can be reached: the containers of the simulated market, over real sockets. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { FakeClock } from '../testing/fake-clock.ts';
import { httpCall } from '../testing/http-call.ts';
import { until } from '../testing/until.ts';
import { startVastWorld, type VastWorld, type VastWorldOptions } from './world.ts';

const model = 'llama3.2:3b';
const token = 'token-of-the-machine';
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'der' })
  .toString('base64');
const guarded = {
  '-p 8443:8443': '1',
  GW_KEY: key,
  GW_TOKEN: token,
  GW_MODEL: model,
  GW_IDLE_STOP_S: '7200',
  OLLAMA_HOST: '127.0.0.1:11434',
};
const plain = { '-p 11434:11434': '1', OLLAMA_MODEL: model };

interface Row {
  readonly id: number;
  readonly public_ipaddr: string;
  readonly gpu_util: number | null;
  readonly vmem_usage: number | null;
  readonly ports: Readonly<Record<string, readonly { readonly HostPort: string }[]>> | null;
}

async function withWorld(options: Partial<VastWorldOptions>, act: (world: VastWorld) => Promise<void>): Promise<void> {
  const world = await startVastWorld({
    seed: 2,
    timeScale: 100,
    bootScale: 0.2,
    badShare: 0,
    takenShare: 0,
    mtbfHours: Infinity,
    moveHours: Infinity,
    rateLimits: 'off',
    pace: 'instant',
    ...options,
  });
  try {
    await act(world);
  } finally {
    await world.close();
  }
}

const headersOf = (world: VastWorld) => ({ authorization: `Bearer ${world.key}` });

async function rent(world: VastWorld, env: object): Promise<number> {
  const headers = headersOf(world);
  const { offers } = JSON.parse((await httpCall(`${world.url}/api/v0/bundles/`, { headers, body: {} })).text) as {
    offers: { id: number }[];
  };
  const body = { client_id: 'me', image: 'ollama/ollama', env, disk: 16, label: 'gw-a-1', runtype: 'args' };
  const reply = await httpCall(`${world.url}/api/v0/asks/${offers[0]!.id}/`, { method: 'PUT', headers, body });
  return (JSON.parse(reply.text) as { new_contract: number }).new_contract;
}

async function rowOf(world: VastWorld, id: number): Promise<Row> {
  const reply = await httpCall(`${world.url}/api/v0/instances/${id}/`, { headers: headersOf(world) });
  return (JSON.parse(reply.text) as { instances: Row }).instances;
}

async function addressOf(world: VastWorld, id: number, port: number): Promise<{ host: string; port: number }> {
  await until('it runs', () => world.instances().some((each) => each.id === id && each.status === 'running'), 20_000);
  const row = await rowOf(world, id);
  return { host: row.public_ipaddr.trim(), port: Number(row.ports![`${port}/tcp`]![0]!.HostPort) };
}

/** Status 0: nobody answered. */
function ask(
  address: { host: string; port: number },
  path: string,
  headers: Readonly<Record<string, string>> = { authorization: `Bearer ${token}` },
  body?: object,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const outgoing = httpsRequest({
      ...address,
      path,
      method: body ? 'POST' : 'GET',
      headers,
      rejectUnauthorized: false,
      agent: false,
      timeout: 2_000,
    });
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.on('error', () => resolve({ status: 0, text: '' }));
    outgoing.on('response', (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      response.on('close', () => resolve({ status: response.complete ? response.statusCode! : -1, text }));
    });
    outgoing.end(body && JSON.stringify(body));
  });
}

async function untilModel(address: { host: string; port: number }): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await ask(address, '/api/tags')).text.includes(model)) {
    if (performance.now() > end) throw new Error('the model never came');
  }
}

describe('machines of the simulated market', () => {
  it('refuse, then let in by token and path, then have the model', () =>
    withWorld({}, async (world) => {
      const address = await addressOf(world, await rent(world, guarded), 8443);
      await untilModel(address);
      const answer = await ask(address, '/api/chat', undefined, {
        model,
        messages: [{ role: 'user', content: 'hello' }],
        stream: false,
      });
      assert.equal(answer.status, 200);
      assert.match(answer.text, /simulated/);
      assert.equal((await ask(address, '/api/tags', {})).status, 401);
      assert.equal((await ask(address, '/api/tags', { authorization: 'Bearer x' })).status, 401);
      assert.equal((await ask(address, '/api/pull', undefined, { model: 'evil' })).status, 401);
      const overHttp = await httpCall(`http://${address.host}:${address.port}/api/tags`);
      assert.deepEqual([overHttp.status, /HTTPS server/.test(overHttp.text)], [400, true]);
      assert.equal(world.instances()[0]!.answers, 1);
    }));

  it('show a GPU that works as much as its thinker is asked, and holds what it has loaded', async () => {
    const clock = new FakeClock();
    await withWorld({ clock, timeScale: 1, pace: 'real' }, async (world) => {
      const id = await rent(world, { ...guarded, OLLAMA_NUM_PARALLEL: '4' });
      const gpu = async () => {
        const { gpu_util: util, vmem_usage: memory } = await rowOf(world, id);
        return { util, memory };
      };
      assert.deepEqual(await gpu(), { util: null, memory: null });
      await until('it runs', async () => {
        await clock.advance(10_000);
        return world.instances()[0]!.status === 'running';
      });
      const address = await addressOf(world, id, 8443);
      await until('it has the model', async () => {
        await clock.advance(10_000);
        return (await ask(address, '/api/tags')).text.includes(model);
      });
      const idle = await gpu();
      assert.ok(idle.util === 0 && idle.memory! < 1, JSON.stringify(idle));
      /** The most it works while so many questions are answered together. */
      const workOf = async (questions: readonly string[]) => {
        const before = world.instances()[0]!.answers;
        const answers = questions.map((prompt) =>
          ask(address, '/api/generate', undefined, { model, prompt, stream: false }),
        );
        await until('all are asked', () => world.instances()[0]!.answers === before + questions.length);
        const seen: number[] = [];
        await until('all are answered', async () => {
          await clock.advance(100);
          seen.push((await gpu()).util!);
          return seen.at(-1) === 0 && seen.length > 100;
        });
        for (const answer of answers) assert.equal((await answer).status, 200);
        return Math.max(...seen);
      };
      const one = await workOf(['hello']);
      const two = await workOf(['hello again', 'hello once more']);
      assert.ok(50 < one && one < two && two <= 100, `${one} % and ${two} %`);
      assert.ok((await gpu()).memory! > 1.5, 'the model stays in memory');
    });
  });

  it('without a guard are open to everybody, as the image is', () =>
    withWorld({}, async (world) => {
      const { host, port } = await addressOf(world, await rent(world, plain), 11_434);
      let text = '';
      await (async () => {
        const end = performance.now() + 20_000;
        while (!text.includes(model) && performance.now() < end)
          text = (await httpCall(`http://${host}:${port}/api/tags`)).text;
      })();
      assert.match(text, /llama3.2:3b/);
    }));

  it('publish the port of Ollama too, where nobody listens', () =>
    withWorld({}, async (world) => {
      const id = await rent(world, guarded);
      const closed = await addressOf(world, id, 11_434);
      await untilModel(await addressOf(world, id, 8443));
      assert.equal((await httpCall(`http://${closed.host}:${closed.port}/api/tags`)).status, 0);
    }));

  it('break off in the middle of an answer when their host is lost', () =>
    withWorld({ pace: 'real', timeScale: 10, bootScale: 0.02 }, async (world) => {
      const id = await rent(world, guarded);
      const address = await addressOf(world, id, 8443);
      await untilModel(address);
      const asked = ask(address, '/api/chat', undefined, {
        model,
        messages: [{ role: 'user', content: 'Tell me in 20000 words.' }],
      });
      await until('it answers', () => world.instances()[0]!.answers === 1, 10_000);
      world.inject({ kind: 'lose', instanceId: id });
      assert.ok((await asked).status <= 0);
      assert.equal((await ask(address, '/api/tags')).status, 0);
    }));

  it('move to another address, with the same key', () =>
    withWorld({}, async (world) => {
      const id = await rent(world, guarded);
      const before = await addressOf(world, id, 8443);
      await untilModel(before);
      world.inject({ kind: 'move', instanceId: id });
      let after = before;
      const end = performance.now() + 10_000;
      while (after.port === before.port && performance.now() < end) after = await addressOf(world, id, 8443);
      assert.notDeepEqual(after, before);
      assert.equal((await ask(after, '/api/tags')).status, 200);
      assert.equal((await ask(before, '/api/tags')).status, 0);
    }));

  it('move by themselves where their address is not fixed', () =>
    withWorld({ timeScale: 5_000, moveHours: 1 }, async (world) => {
      const addresses = new Set<string>();
      const ids = [
        await rent(world, plain),
        await rent(world, plain),
        await rent(world, plain),
        await rent(world, plain),
      ];
      const end = performance.now() + 20_000;
      while (addresses.size < ids.length + 2) {
        for (const id of ids) {
          const { public_ipaddr: host, ports } = await rowOf(world, id);
          const port = ports?.['11434/tcp']?.[0]?.HostPort;
          if (port !== undefined) addresses.add(`${host.trim()}:${port}`);
        }
        if (performance.now() > end) assert.fail(`they kept their addresses: ${[...addresses].join(' ')}`);
      }
    }));

  it('leave no port open when they are lost in the middle of a move', () =>
    withWorld({}, async (world) => {
      const id = await rent(world, plain);
      await addressOf(world, id, 11_434);
      world.inject({ kind: 'move', instanceId: id });
      world.inject({ kind: 'lose', instanceId: id });
      await httpCall(`${world.url}/api/v0/instances/${id}/`, { headers: headersOf(world) });
      const open = () => process.getActiveResourcesInfo().filter((resource) => resource === 'TCPServerWrap').length;
      // The market's own listener is the one that stays.
      await until('the ports are closed', () => open() === 1, 10_000);
    }));

  it('stop themselves when no gateway has been heard of for too long', () =>
    withWorld({ timeScale: 2_000 }, async (world) => {
      const id = await rent(world, { ...guarded, GW_IDLE_STOP_S: '600' });
      await until('it stopped', () => world.instances()[0]!.status === 'exited', 20_000);
      assert.equal(world.instances()[0]!.id, id);
    }));

  it('bill what went through their port', () =>
    withWorld({ seed: 6 }, async (world) => {
      const id = await rent(world, guarded);
      const address = await addressOf(world, id, 8443);
      await untilModel(address);
      const traffic = () =>
        world
          .bill()
          .items.filter(({ type }) => type === 'bwu')
          .reduce((sum, { nanoUsd }) => sum + nanoUsd, 0);
      const before = traffic();
      await ask(address, '/api/chat', undefined, {
        model,
        messages: [{ role: 'user', content: 'Tell me in 19000 words.' }],
      });
      const row = (await rowOf(world, id)) as Row & { readonly inet_up_cost: number };
      if (row.inet_up_cost > 0) assert.ok(traffic() > before, `${traffic()} ${before}`);
    }));
});
