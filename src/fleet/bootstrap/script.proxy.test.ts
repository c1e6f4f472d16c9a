/**
 * The bootstrap script as a machine runs it, whole, with the real bash, openssl and caddy. Only Ollama is
 * played: its command by a stub that writes down what it is asked, its server by the simulated thinker.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { aMachine, ask, machineKey, model, type Ask, type Machine } from '../../../test/support/machine.ts';
import { until } from '../../../test/support/until.ts';
import { systemClock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { modelName } from '../../core/ids.ts';
import { seededRandom } from '../../core/random.ts';
import { createSimulatedThinker, type SimulatedThinker } from '../../sim/thinker-server/server.ts';
import { startVastWorld } from '../../sim/world.ts';
import { httpCall } from '../../testing/http-call.ts';
import { RecordingSink } from '../../testing/recording-sink.ts';
import { checkReadiness } from '../readiness.ts';
import { makeIdentity } from './identity.ts';

const call = { signal: new AbortController().signal };

/** Environments of all processes of the machine, as the kernel shows them. */
function environments(group: number): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ');
        return Number(fields[2]) === group ? [readFileSync(`/proc/${pid}/environ`, 'utf8')] : [];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

describe('the bootstrap script on a machine', { concurrency: false }, () => {
  let ollama: SimulatedThinker;
  let machine: Machine;
  let ollamaPort: number;

  before(async () => {
    ollama = createSimulatedThinker({
      profile: 'instant',
      faults: false,
      models: [{ name: model, capabilities: ['completion'] }],
      keptRequestsMax: 50,
    });
    ollamaPort = Number(new URL(await ollama.listen()).port);
    machine = await aMachine({ ollamaPort });
    await machine.start();
  });
  after(async () => {
    await machine.stop();
    await ollama.close();
    await rm(machine.folder, { recursive: true, force: true });
  });

  it('lets us in by pin and token, and tells Ollama neither', async () => {
    const thinker = machine.thinker();
    try {
      const report = await thinker.probe(call);
      assert.deepEqual(
        report.models.map(({ name }) => name),
        [modelName(model)],
      );
      const sink = new RecordingSink();
      thinker.answer(chat, sink, { firstTokenMs: 10_000, stallMs: 10_000, totalMs: 20_000 });
      await sink.settled();
      assert.match(sink.text, /simulated/);
      const { headers } = ollama.requests().at(-1)!;
      assert.equal(headers.host, `127.0.0.1:${ollamaPort}`);
      assert.equal(headers.authorization, undefined);
      assert.deepEqual(
        Object.keys(headers).filter((name) => name.startsWith('x-forwarded') || name === 'cookie'),
        [],
      );
    } finally {
      await thinker.close();
    }
  });

  it('is found ready, from the pin to the canary', async () => {
    const thinker = machine.thinker();
    try {
      const seen = await checkReadiness(
        { thinker, model: modelName(model), clock: systemClock, random: seededRandom(3), tokensPerSMin: 1 },
        call,
      );
      assert.equal(seen.kind, 'ready', JSON.stringify(seen));
    } finally {
      await thinker.close();
    }
  });

  it('streams: the first words are here while the rest is not yet made', async () => {
    const thinker = machine.thinker();
    const line = (content: string, done: boolean) =>
      `${JSON.stringify({ model, created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content }, done, ...(done && { done_reason: 'stop', eval_count: 2, prompt_eval_count: 2 }) })}\n`;
    ollama.script({
      model,
      responses: [{ steps: [{ write: line('first', false) }, { hold: 'rest' }, { write: line('', true) }] }],
    });
    try {
      const sink = new RecordingSink();
      thinker.answer(chat, sink, { firstTokenMs: 10_000, stallMs: 20_000, totalMs: 30_000 });
      await until('the first words came', () => sink.text === 'first', 10_000);
      assert.equal(ollama.release('rest'), 1);
      await sink.settled();
      assert.deepEqual(sink.failures, []);
    } finally {
      await thinker.close();
    }
  });

  it('aborts before a byte is sent when the key is not the pinned one', async () => {
    const before = JSON.stringify(ollama.stats().requests);
    const thinker = machine.thinker({ ...machine.admission, pinSha256: makeIdentity().admission.pinSha256 });
    try {
      await assert.rejects(
        thinker.probe(call),
        (error: unknown) => error instanceof AppError && error.code === 'wrong_thinker_key',
      );
    } finally {
      await thinker.close();
    }
    assert.equal(JSON.stringify(ollama.stats().requests), before);
  });

  it('answers 401 to everything but the token, and to every path that is not on the list', async () => {
    const { token } = machine.admission;
    const refused: readonly (readonly [path: string, ask: Ask])[] = [
      ['/api/tags', {}],
      ['/api/tags', { token: 'x' }],
      ['/api/tags', { token: `${token}x` }],
      ['/api/tags', { token: token.slice(0, -1) }],
      ['/api/tags', { token: '' }],
      ['/api/tags', { token: '*' }],
      ['/api/tags', { headers: { authorization: token } }],
      ['/api/tags', { headers: { authorization: `Basic ${token}` } }],
      [`/api/tags?token=${token}`, {}],
      ['/', { token }],
      ['/api/pull', { token, method: 'POST', body: '{"model":"evil"}' }],
      ['/api/push', { token, method: 'POST', body: '{}' }],
      ['/api/create', { token, method: 'POST', body: '{}' }],
      ['/api/copy', { token, method: 'POST', body: '{}' }],
      ['/api/delete', { token, method: 'DELETE', body: '{"model":"x"}' }],
      ['/api/blobs/sha256:00', { token, method: 'HEAD' }],
      ['/api/chat', { token, method: 'DELETE' }],
      ['/api/chat/../pull', { token, method: 'POST', body: '{"model":"evil"}' }],
      ['/api/chat%2f..%2fpull', { token, method: 'POST', body: '{"model":"evil"}' }],
      ['/v1/models', { token }],
      ['/metrics', { token }],
      ['/config/', { token }],
    ];
    for (const [path, how] of refused) {
      const { status } = await ask(machine.port, path, how);
      assert.equal(status, 401, `${how.method ?? 'GET'} ${path} ${JSON.stringify(how.headers ?? how.token ?? '')}`);
    }
    // Paths that only look allowed once they are tidied may pass; they must not reach another route of Ollama.
    await ask(machine.port, '/api/pull/../chat', { token, method: 'POST', body: '{"model":"evil"}' });
    await ask(machine.port, '//api/chat', { token, method: 'POST', body: '{"model":"evil"}' });
    const { requests } = ollama.stats();
    for (const path of ['/api/pull', '/api/push', '/api/create', '/api/copy', '/api/delete', '/api/blobs'])
      assert.equal(requests[path], undefined, path);
  });

  it('refuses plain HTTP, and bodies that no question has', async () => {
    const plain = await httpCall(`http://127.0.0.1:${machine.port}/api/tags`, {
      headers: { authorization: `Bearer ${machine.admission.token}` },
    });
    assert.equal(plain.status, 400);
    const { status } = await ask(machine.port, '/api/chat', {
      token: machine.admission.token,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.alloc(100 * 1024 * 1024, 0x20),
    });
    // 413, or a connection that is closed while we are still sending.
    assert.ok([0, 413, 502].includes(status), `${status}`);
    assert.ok(!ollama.requests().some(({ body }) => Object.keys(body).length === 0));
  });

  it('begins a stalled pull again, and stops asking once the model is there', async () => {
    const asked = () => readFileSync(join(machine.folder, 'asked'), 'utf8').trim().split('\n');
    await until('the model is loaded', () => asked().some((line) => line.startsWith('run ')), 20_000);
    assert.equal(asked().filter((line) => line === `pull ${model}`).length, 2);
    assert.ok(asked().includes('serve'));
  });

  it('leaves no secret in any environment, and its files to itself', () => {
    const group = machine.process().pid!;
    const seen = environments(group);
    assert.ok(seen.length >= 4, `proxy, Ollama and two watchers: ${seen.length}`);
    assert.ok(seen.every((text) => text.includes('HOME=')));
    const { token } = machine.admission;
    for (const text of seen) for (const secret of [token, machineKey, 'GW_KEY=']) assert.ok(!text.includes(secret));
    const folder = join(machine.folder, 'gw');
    assert.equal(statSync(folder).mode & 0o77, 0);
    for (const name of readdirSync(folder)) assert.equal(statSync(join(folder, name)).mode & 0o77, 0, name);
  });

  it('keeps its key over a restart', async () => {
    await machine.stop();
    await machine.start();
    const thinker = machine.thinker();
    try {
      assert.equal((await thinker.probe(call)).models.length, 1);
    } finally {
      await thinker.close();
    }
  });

  it('stops the machine when no gateway has been heard of, with the key of this machine alone', async () => {
    const world = await startVastWorld({
      seed: 3,
      bootScale: 0.001,
      takenShare: 0,
      mtbfHours: Infinity,
      thinkers: 'none',
      rateLimits: 'off',
    });
    const account = { authorization: `Bearer ${world.key}` };
    const { offers } = JSON.parse(
      (await httpCall(`${world.url}/api/v0/bundles/`, { headers: account, body: {} })).text,
    ) as { offers: { id: number }[] };
    const rented = await httpCall(`${world.url}/api/v0/asks/${offers[0]!.id}/`, {
      method: 'PUT',
      headers: account,
      body: { client_id: 'me', image: 'ollama/ollama', env: {}, disk: 16, label: 'gw-a-1', runtype: 'args' },
    });
    const { new_contract: id, instance_api_key: apiKey } = JSON.parse(rented.text) as {
      new_contract: number;
      instance_api_key: string;
    };
    const forgotten = await aMachine({
      ollamaPort,
      marketUrl: world.url,
      containerId: String(id),
      apiKey,
      idleStopS: 3,
    });
    try {
      await until('it runs', () => world.instances()[0]?.status === 'running', 10_000);
      await forgotten.start();
      // What others ask for does not count as a gateway.
      await until(
        'it stopped itself',
        async () => {
          await ask(forgotten.port, '/api/tags', { token: 'x' });
          return world.instances()[0]?.status === 'exited';
        },
        20_000,
      );
    } finally {
      await forgotten.stop();
      await world.close();
      await rm(forgotten.folder, { recursive: true, force: true });
    }
  });
});

const chat = {
  kind: 'chat',
  model: modelName(model),
  messages: [{ role: 'user', content: 'Count to ten in words.' }],
  options: { temperature: 0 },
  outputLimit: undefined,
} as const;
