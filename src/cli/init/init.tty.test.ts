/** Promise: in a real terminal every key does what it says, and Ctrl-C at any moment leaves nothing half-written and nothing that bills. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { runProcess } from '../../../test/support/cli.ts';
import { openTerminal, type Terminal } from '../../../test/support/terminal.ts';
import { startVastWorld, type VastWorld } from '../../sim/world.ts';
import { isAlive, readRuntime } from '../runtime-file.ts';

/** Terminals at a time: each is a process that starts. */
const atOnce = 4;
const caps = ['--per-hour-usd', '2', '--per-day-usd', '5', '--per-month-usd', '50', '--per-rental-usd', '4'];

describe('init in a real terminal', () => {
  let folder: string;
  let market: VastWorld;
  let terminals: Terminal[];
  before(async () => {
    market = await startVastWorld({
      seed: 7,
      // Starts take as long as in truth: no machine is ready before the Ctrl-C.
      badShare: 0,
      takenShare: 0,
      occupiedShare: 0,
      mtbfHours: Infinity,
      rateLimits: 'off',
    });
  });
  after(() => market.close());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'selfhost-tty-'));
    terminals = [];
  });
  afterEach(async () => {
    await Promise.all(terminals.map((each) => each.close()));
    const left = readRuntime(join(folder, 'data'));
    if (left !== undefined) process.kill(left.pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });

  const config = () => join(folder, 'gateway.yaml');
  const init = async (...words: string[]): Promise<Terminal> => {
    const places = ['--config', config(), '--port', '0', '--admin-port', '0', '--data-dir', join(folder, 'data')];
    const terminal = await openTerminal(['init', ...places, ...words], {
      OLLAMA_HOST: 'http://127.0.0.1:9',
      SELFHOST_VAST_API_KEY: words.includes('--vast-url') ? market.key : '',
    });
    terminals.push(terminal);
    return terminal;
  };
  const vast = () => ['--answers', 'vast', '--hosts', 'verified', '--vast-url', market.url];
  const settled = ['--model', 'qwen2:7b-instruct-q6_K', '--gpu', 'RTX 3090', ...caps];
  const rest = ['--idle', '15m', '--hours', 'on-demand', '--hours-per-day', '4'];
  const chosen = ['--cache', 'balanced', '--audits', 'on', '--access', 'open'];

  it('is the demo with Enter all the way, started and asked twice', async () => {
    const terminal = await init();
    for (const question of [
      /Where do answers come from\?/,
      /How bold may the cache be/,
      /answer a sample of questions again/,
      /Who may ask/,
      /Who is told/,
      /Write .*gateway\.yaml\?/,
      /Start it now\?/,
    ]) {
      await terminal.sees(question);
      await terminal.press('Enter');
    }
    const { code, screen } = await terminal.ended();
    assert.equal(code, 0, screen);
    assert.match(screen, /first +miss[^]*second +exact[^]*OpenAI clients[^]*goes on in the background/);
    const down = await runProcess(['down', '--config', config()]);
    assert.equal(down.code, 0, down.err);
  });

  it('takes arrows, typed values and corrections, and keeps its place while the window changes', async () => {
    const terminal = await init('--vast-url', market.url, ...chosen, '--alert', 'none');
    await terminal.sees(/Where do answers come from\?/);
    await terminal.press('Down', 'Down');
    await terminal.sees(/● vast\.ai/);
    await terminal.resize(60, 20);
    await terminal.sees(/● vast\.ai/);
    await terminal.press('Enter');
    await terminal.sees(/Whose machines\?/);
    await terminal.press('Down', 'Up', 'Enter');
    await terminal.sees(/Which model\?/);
    await terminal.resize(120, 50);
    await terminal.press('Down');
    await terminal.sees(/● llama3\.2:1b/);
    await terminal.press('Enter');
    await terminal.sees(/Which GPU\?/);
    await terminal.press('Enter');
    await terminal.sees(/dollars an hour/);
    // A cap is never taken for granted: Enter is no answer.
    await terminal.press('Enter');
    await terminal.sees(/Something must be typed here/);
    await terminal.type('lots');
    await terminal.press('Enter');
    await terminal.sees(/expected US dollars/);
    await terminal.press('BSpace', 'BSpace', 'BSpace', 'BSpace');
    for (const [question, value] of [
      [/dollars an hour/, '2'],
      [/dollars a day/, '5'],
      [/dollars a month/, '50'],
      [/dollars for one machine/, '4'],
    ] as const) {
      await terminal.sees(question);
      await terminal.type(value);
      await terminal.press('Enter');
    }
    await terminal.sees(/Give the last machine back/);
    await terminal.press('Enter');
    await terminal.sees(/When should a machine be ready/);
    await terminal.type('mon-fri 09:00-17:00');
    await terminal.press('Enter');
    await terminal.sees(/at most \$5\.00\/day[^]*Write .*gateway\.yaml\?/);
    await terminal.press('Enter');
    // Money is not spent by a mere Enter.
    await terminal.sees(/rent the first machine\?/);
    await terminal.press('Enter');
    const { code, screen } = await terminal.ended();
    assert.equal(code, 0, screen);
    assert.match(screen, /Start it:\n +\S.* up --config /);
    const text = readFileSync(config(), 'utf8');
    assert.match(text, /model: "llama3\.2:1b"[^]*perHourUsd: 2\n[^]*perRentalUsd: 4\n[^]*from: "09:00"/);
    assert.deepEqual(market.instances(), []);
  });

  it('writes and rents nothing when Ctrl-C is pressed, at every question', async () => {
    const before = market.history().length;
    const last = [...settled, ...rest, ...chosen];
    const questions: readonly (readonly [RegExp, readonly string[]])[] = [
      [/Where do answers come from\?/, []],
      [/Where does your Ollama listen\?/, ['--answers', 'ollama']],
      [/API key of vast\.ai/, ['--answers', 'vast']],
      [/Whose machines\?/, ['--answers', 'vast', '--vast-url', market.url]],
      [/Which model\?/, vast()],
      [/Name, as for/, vast()],
      [/Size of own/, [...vast(), '--model', 'own:7b']],
      [/Which GPU\?/, [...vast(), '--model', 'llama3.2:3b']],
      [/dollars an hour/, [...vast(), ...settled.slice(0, 4)]],
      [/dollars a day/, [...vast(), ...settled.slice(0, 6)]],
      [/dollars a month/, [...vast(), ...settled.slice(0, 8)]],
      [/dollars for one machine/, [...vast(), ...settled.slice(0, 10)]],
      [/Give the last machine back/, [...vast(), ...settled]],
      [/When should a machine/, [...vast(), ...settled, ...rest.slice(0, 2)]],
      [/how many hours a day/, [...vast(), ...settled, ...rest.slice(0, 4)]],
      [/How bold/, [...vast(), ...settled, ...rest]],
      [/a sample of questions/, [...vast(), ...settled, ...rest, ...chosen.slice(0, 2)]],
      [/Who may ask/, [...vast(), ...settled, ...rest, ...chosen.slice(0, 4)]],
      [/Who is told/, [...vast(), ...last]],
      [/Write .*gateway\.yaml\?/, [...vast(), ...last, '--alert', 'none']],
      [/rent the first machine\?/, [...vast(), ...last, '--alert', 'none']],
    ];
    const left = [...questions];
    const worker = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [question, words] = next;
        const terminal = await init(...words);
        if (String(question).includes('Name, as for')) {
          await terminal.sees(/Which model\?/);
          // The last of the list, from its top.
          await terminal.press('Up', 'Enter');
        }
        if (String(question).includes('rent the first')) {
          await terminal.sees(/Write .*gateway\.yaml\?/);
          await terminal.press('Enter');
        }
        await terminal.sees(question);
        await terminal.press('C-c');
        const { code, screen } = await terminal.ended();
        assert.equal(code, 130, screen);
        assert.match(screen, /stopped: nothing was written and nothing was rented/);
        await terminal.close();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    assert.deepEqual(readdirSync(folder), []);
    assert.equal(market.history().length, before);
  });

  it('gives back what is being rented when Ctrl-C is pressed while a machine starts, whatever the size of the window', async () => {
    const before = market.history().length;
    const terminal = await init(...vast(), ...settled, ...rest, ...chosen, '--alert', 'none', '--yes', '--up');
    await terminal.sees(/requested[^]*creating/);
    await terminal.resize(50, 12);
    const [, second] = /(\d+) s: /.exec(await terminal.sees(/\d+ s: /))!;
    const later = new RegExp(`^(?!${second} )(\\d+) s: `, 'm');
    const [, next] = later.exec(await terminal.sees(later))!;
    const narrow = await terminal.sees(new RegExp(`^(?!${second} |${next} )\\d+ s: `, 'm'));
    // Drawn in place: what the change of the window has wrapped may stay, and no more is added with each drawing.
    assert.ok([...narrow.matchAll(/\d+ s: /g)].length <= 2, narrow);
    await terminal.resize(110, 40);
    const { pid } = readRuntime(join(folder, 'data'))!;
    await terminal.press('C-c');
    const { code, screen } = await terminal.ended();
    assert.equal(code, 130, screen);
    assert.match(screen, /what was rented is given back[^]*nothing is rented/);
    assert.equal(isAlive(pid), false);
    assert.deepEqual(market.instances(), []);
    assert.equal(market.history().length, before + 1, 'a machine had been rented');
  });
});
