/**
 * `npm run test:chaos`: many runs, each with its seed; a failed one is replayed by SEED=n.
 *
 *   npm run test:chaos                    200 runs
 *   npm run test:chaos -- --runs 20       fewer
 *   SEED=17 npm run test:chaos            one, the same again (the times at which it is killed are real ones)
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runChaos, type ChaosOutcome } from './run.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    first: { type: 'string', default: '1' },
    parallel: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
});
const seed = process.env['SEED'];
const first = seed === undefined ? Number(values.first) : Number(seed);
const runs = seed === undefined ? Number(values.runs) : 1;
const seeds = Array.from({ length: runs }, (_, i) => first + i);
const outcomes: ChaosOutcome[] = [];

await Promise.all(
  Array.from({ length: Math.min(Number(values.parallel), runs) }, async () => {
    for (let next = seeds.shift(); next !== undefined; next = seeds.shift()) {
      const outcome = await runChaos(next);
      outcomes.push(outcome);
      const { kills, rented, restarts, billUsd, ledgerUsd, complaints, tookMs, faults } = outcome;
      console.log(
        `seed ${next}: ${complaints.length === 0 ? 'ok' : `FAILED: ${complaints.join('; ')}`} · ${kills} kills, ${faults.join(' ') || 'no faults'}, ${rented} rented, ${restarts} restarted, bill $${billUsd.toFixed(4)}, meter $${ledgerUsd.toFixed(4)}, ${(tookMs / 1000).toFixed(1)} s`,
      );
    }
  }),
);

const failed = outcomes.filter(({ complaints }) => complaints.length > 0);
const sum = (of: (outcome: ChaosOutcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
const drift = Math.max(0, ...outcomes.map(({ billUsd, ledgerUsd }) => Math.abs(ledgerUsd - billUsd) / (billUsd || 1)));
console.log(
  `${outcomes.length} runs, ${sum(({ kills }) => kills)} kills, ${sum(({ faults }) => faults.length)} faults, ${sum(({ rented }) => rented)} machines rented, ${sum(({ restarts }) => restarts)} restarted, bill $${sum(({ billUsd }) => billUsd).toFixed(4)}, meter $${sum(({ ledgerUsd }) => ledgerUsd).toFixed(4)}, largest difference ${(drift * 100).toFixed(3)} %, ${failed.length} failed${failed.length > 0 ? `: SEED=${failed.map((each) => each.seed).join(' ')}` : ''}`,
);
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify(
      outcomes.toSorted((a, b) => a.seed - b.seed),
      undefined,
      2,
    )}\n`,
  );
process.exit(failed.length > 0 ? 1 : 0);
