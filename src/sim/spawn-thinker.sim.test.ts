import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import { httpCall } from '../testing/http-call.ts';
import { spawnSimulatedThinker } from './spawn-thinker.ts';

const program = fileURLToPath(new URL('./thinker-server/main.ts', import.meta.url));

describe('spawned simulated thinker', () => {
  it('serves from another process, and ends on close', async () => {
    const thinker = await spawnSimulatedThinker({
      profile: 'instant',
      control: true,
      faults: true,
      models: ['llama3.2:3b', 'my-embed'],
    });
    assert.notEqual(thinker.pid, process.pid);
    const tags = await httpCall(`${thinker.url}/api/tags`);
    assert.match(tags.text, /"my-embed:latest"/);
    assert.match(tags.text, /"fault-429:latest"/);
    assert.equal((await httpCall(`${thinker.url}/__sim/stats`)).status, 200);
    await thinker.close();
    await thinker.close();
    assert.match(await thinker.exited, /exit code 0|SIGTERM/);
    assert.equal((await httpCall(thinker.url)).status, 0);
  });

  it('hides faults and the control surface unless asked', async () => {
    const thinker = await spawnSimulatedThinker();
    try {
      assert.ok(!(await httpCall(`${thinker.url}/api/tags`)).text.includes('fault-'));
      assert.equal((await httpCall(`${thinker.url}/__sim/stats`)).status, 404);
    } finally {
      await thinker.close();
    }
  });

  it('says why it did not start: the port is taken, the flag is wrong', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    await assert.rejects(spawnSimulatedThinker({ port }), /did not start: exit code 2; it said: .*EADDRINUSE/s);
    blocker.close();
    await assert.rejects(spawnSimulatedThinker({ models: ['not a name'] }), /--models has "not a name"/);
  });

  it('ends when the pipe from its parent closes, and when it is told to', async () => {
    for (const end of ['stdin', 'SIGTERM'] as const) {
      const child = spawn(process.execPath, [program, '--profile', 'instant'], { stdio: ['pipe', 'pipe', 'inherit'] });
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      assert.equal((JSON.parse(line.toString()) as { ready: boolean }).ready, true);
      const exit = once(child, 'exit');
      if (end === 'stdin') child.stdin.end();
      else child.kill('SIGTERM');
      assert.deepEqual(await exit, [0, null]);
    }
  });
});
