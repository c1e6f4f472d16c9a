/** Promise: the live view of a start keeps to its window, and Ctrl-C says that the rental goes on and how it ends. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { runProcess } from '../../../test/support/cli.ts';
import { openTerminal, type Terminal } from '../../../test/support/terminal.ts';
import { startVastWorld, type VastWorld } from '../../sim/world.ts';
import { readRuntime, type RuntimeFacts } from '../runtime-file.ts';

describe('fleet start in a real terminal', () => {
  let folder: string;
  let market: VastWorld;
  let terminal: Terminal | undefined;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'selfhost-tty-'));
    market = await startVastWorld({
      seed: 7,
      badShare: 0,
      takenShare: 0,
      occupiedShare: 0,
      mtbfHours: Infinity,
      rateLimits: 'off',
    });
  });
  after(async () => {
    await terminal?.close();
    const left = readRuntime(join(folder, 'data'));
    if (left !== undefined) process.kill(left.pid, 'SIGKILL');
    await market.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('goes on in any window; Ctrl-C leaves the view, and `down` leaves nothing that bills', async () => {
    const config = join(folder, 'gateway.yaml');
    writeFileSync(join(folder, 'key'), market.key);
    const places = ['--config', config, '--port', '0', '--admin-port', '0', '--data-dir', join(folder, 'data')];
    const account = ['--vast-url', market.url, '--vast-key-file', join(folder, 'key')];
    const caps = ['--per-hour-usd', '2', '--per-day-usd', '5', '--per-month-usd', '50', '--per-rental-usd', '4'];
    const answers = ['--answers', 'vast', '--model', 'llama3.2:3b', ...account, ...caps];
    const init = await runProcess(['init', '--yes', ...places, ...answers]);
    assert.equal(init.code, 0, init.err);
    const up = await runProcess(['up', '--config', config, '--json']);
    assert.equal(up.code, 0, up.err);
    const { adminUrl } = JSON.parse(up.out) as RuntimeFacts;

    terminal = await openTerminal(['fleet', 'start', '--yes', '--admin-url', adminUrl]);
    await terminal.sees(/requested[^]*creating/);
    await terminal.resize(50, 12);
    await terminal.sees(/\d+ s: /);
    await terminal.resize(120, 40);
    await terminal.press('C-c');
    const { code, screen } = await terminal.ended();
    assert.equal(code, 130, screen);
    assert.match(screen, /goes on within the caps; `llm-self-host fleet stop` gives back what is rented/);
    assert.equal(market.instances().length, 1);

    const down = await runProcess(['down', '--config', config]);
    assert.equal(down.code, 0, down.err);
    assert.deepEqual(market.instances(), []);
  });
});
