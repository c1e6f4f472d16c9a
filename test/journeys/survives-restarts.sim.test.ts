import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { indexFilled, model, post, startRig } from './harness.ts';

const body = { model, messages: [{ role: 'user', content: 'How long is a marathon?' }], stream: false };

describe('a restart', () => {
  it('keeps the answers, exact and for other wordings', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-restart-'));
    try {
      const first = await startRig({ dataDir });
      const told = (await (await post(`${first.url}/api/chat`, body)).json()) as { message: { content: string } };
      await first.close();
      const second = await startRig({ dataDir });
      try {
        const again = await post(`${second.url}/api/chat`, body);
        assert.equal(again.headers.get('x-selfhost-cache'), 'exact');
        assert.equal(((await again.json()) as typeof told).message.content, told.message.content);
        await indexFilled(second);
        const reworded = await post(`${second.url}/api/chat`, {
          ...body,
          messages: [{ role: 'user', content: 'how long is a marathon' }],
        });
        assert.equal(reworded.headers.get('x-selfhost-cache'), 'semantic');
        assert.equal(second.sim.stats().answers, 0);
      } finally {
        await second.close();
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  it('with a damaged file sets it aside and serves', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-damaged-'));
    try {
      await writeFile(
        join(dataDir, 'cache.sqlite'),
        'this is no database, and longer than a header of one would be '.repeat(100),
      );
      const rig = await startRig({ dataDir });
      try {
        assert.equal((await post(`${rig.url}/api/chat`, body)).status, 200);
      } finally {
        await rig.close();
      }
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  it('after kill -9 finds every answer that was given more than a second before', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-killed-'));
    const running: ChildProcess[] = [];
    try {
      const first = await serve(dataDir, running);
      const texts: string[] = [];
      for (let i = 0; i < 20; i++) texts.push(await askProcess(first.url, i, 'miss'));
      // The promise is a second; the clock of the promise is the real one.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      first.child.kill('SIGKILL');
      await once(first.child, 'exit');
      const second = await serve(dataDir, running);
      for (let i = 0; i < 20; i++) assert.equal(await askProcess(second.url, i, 'exact'), texts[i]);
      second.child.kill('SIGTERM');
      assert.deepEqual(await once(second.child, 'exit'), [0, null]);
    } finally {
      for (const child of running) child.kill('SIGKILL');
      await rm(dataDir, { recursive: true, force: true });
    }
  });
});

/** The command as it is started by people, with no thinker but the simulated one. */
async function serve(dataDir: string, running: ChildProcess[]): Promise<{ child: ChildProcess; url: string }> {
  const config = join(dataDir, 'config.yaml');
  await writeFile(config, 'simulation: { profile: instant }\n');
  const args = [
    'bin/llm-self-host.js',
    'serve',
    '--port',
    '0',
    '--admin-port',
    '0',
    '--data-dir',
    dataDir,
    '--config',
    config,
    '--json',
  ];
  // An address where no Ollama listens, so that the one of the developer's machine is left alone.
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, OLLAMA_HOST: '127.0.0.1:9' },
  });
  running.push(child);
  let out = '';
  for await (const chunk of child.stdout) {
    out += String(chunk);
    const url = /"gatewayUrl":\s*"([^"]+)"/.exec(out)?.[1];
    if (url !== undefined) return { child, url };
  }
  throw new Error(`serve ended without a URL: ${out}`);
}

async function askProcess(url: string, i: number, expected: string): Promise<string> {
  const answer = await post(`${url}/api/chat`, {
    model,
    messages: [{ role: 'user', content: `Tell me about prime number ${i * 7 + 2}` }],
    stream: false,
  });
  assert.equal(answer.headers.get('x-selfhost-cache'), expected);
  return ((await answer.json()) as { message: { content: string } }).message.content;
}
