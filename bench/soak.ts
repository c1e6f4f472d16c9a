/**
 * A long look at a whole gateway under mixed traffic: all dialects, clients that leave, thinkers that fail.
 *
 *   npm run soak [-- --minutes 10] [--clients 16] [--seed 1] [--json FILE|-]
 *
 * Starts a gateway with an empty cache and two simulated thinkers on loopback. Fails when a request hangs or breaks
 * without a word, when a stored answer belongs to another question, when work is left behind, or when memory keeps
 * growing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../src/core/random.ts';
import { spawnSimulatedThinker } from '../src/sim/spawn-thinker.ts';
import { startChild } from './gateway/processes.ts';
import { saveRows } from './lib/rows.ts';
import { soak } from './soak/soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    clients: { type: 'string', default: '16' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const minutes = numberOf('--minutes', values.minutes, 24 * 60);
const clients = numberOf('--clients', values.clients, 256);
const seed = numberOf('--seed', values.seed, Number.MAX_SAFE_INTEGER);
/** Growth after the first fifth of the run that is still no leak: the cache fills until its families are known. */
const growthMax = 0.35;

const dataDir = await mkdtemp(join(tmpdir(), 'selfhost-soak-'));
const thinker = await spawnSimulatedThinker({ profile: 'instant', seed });
const gateway = await startChild('gateway-server.ts', { thinkerUrl: thinker.url, dataDir });
try {
  const memory: { atMs: number; rssBytes: number }[] = [];
  const forMs = minutes * 60_000;
  const sampler = setInterval(
    () => {
      void gateway.usage().then(({ rssBytes }) => memory.push({ atMs: performance.now(), rssBytes }));
    },
    Math.min(5_000, forMs / 20),
  );
  const startedMs = performance.now();
  const report = await soak({
    url: gateway.url,
    adminUrl: gateway.adminUrl!,
    random: seededRandom(seed),
    clients,
    forMs,
    leavingShare: 0.2,
    faultShare: 0.1,
    onProgress: (elapsedMs, { asked, hits, broken, wrong }) => {
      if (process.stderr.isTTY)
        process.stderr.write(
          `\r\x1b[K${(elapsedMs / 1000).toFixed(0)} s of ${minutes * 60}: ${asked} asked, ${hits} hits, ${broken} broken, ${wrong} wrong`,
        );
    },
  });
  clearInterval(sampler);
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const early = memory.filter(({ atMs }) => atMs - startedMs > forMs * 0.1 && atMs - startedMs < forMs * 0.3);
  const late = memory.filter(({ atMs }) => atMs - startedMs > forMs * 0.8);
  const [earlyMb, lateMb] = [early, late].map((samples) => median(samples.map(({ rssBytes }) => rssBytes)) / 1e6);
  const problems = [...report.problems];
  if (minutes >= 1 && lateMb! > earlyMb! * (1 + growthMax))
    problems.push(`memory grows: ${earlyMb!.toFixed(0)} MB early, ${lateMb!.toFixed(0)} MB late`);
  const { asked, answered, hits, refused, left, broken, wrong, leftBehind } = report;
  const perSecond = Math.round(asked / ((performance.now() - startedMs) / 1000));
  console.log(
    [
      `${asked} asked (${perSecond} a second), ${answered} answered (${hits} from the cache), ${refused} refused, ${left} left`,
      `${broken} broken, ${wrong} wrong; left behind: ${leftBehind.open} open, ${leftBehind.inFlight} running, ${leftBehind.waiting} waiting`,
      `memory: ${earlyMb!.toFixed(0)} MB early, ${lateMb!.toFixed(0)} MB late`,
      ...problems.map((each) => `PROBLEM ${each}`),
      problems.length === 0 ? `sound (SEED=${seed})` : `NOT SOUND (--seed ${seed} asks the same questions)`,
    ].join('\n'),
  );
  saveRows(
    [
      {
        minutes,
        clients,
        seed,
        asked,
        answered,
        hits,
        refused,
        left,
        broken,
        wrong,
        leftBehind: leftBehind.open + leftBehind.inFlight + leftBehind.waiting,
        earlyMb: Math.round(earlyMb!),
        lateMb: Math.round(lateMb!),
        problems: problems.length,
      },
    ],
    values.json,
  );
  if (problems.length > 0) process.exitCode = 1;
} finally {
  await gateway.close();
  await thinker.close();
  await rm(dataDir, { recursive: true, force: true });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function numberOf(option: string, text: string, max: number): number {
  const value = Number(text);
  if (!(value > 0) || value > max) {
    console.error(`${option} is ${text}; expected a number above 0, at most ${max}`);
    process.exit(1);
  }
  return value;
}
