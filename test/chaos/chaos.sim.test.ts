/** Promise: whenever the gateway is killed, and whatever the market does, nothing bills that we do not know, and the meter is right. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runChaos } from './run.ts';

/** The command `npm run test:chaos` does 200. */
const runs = 10;
const first = Number(process.env['SEED'] ?? 1);

describe('chaos', { concurrency: 2 }, () => {
  for (let seed = first; seed < first + runs; seed++) {
    it(`seed ${seed}: the market's list is ours at the end, and its bill is our meter`, async (test) => {
      const { kills, faults, rented, restarts, billUsd, ledgerUsd, complaints } = await runChaos(seed);
      test.diagnostic(
        `${kills} kills, ${faults.join(' ') || 'no faults'}, ${rented} rented, ${restarts} restarted, bill $${billUsd.toFixed(4)}, meter $${ledgerUsd.toFixed(4)}`,
      );
      assert.deepEqual(complaints, [], `SEED=${seed} replays it`);
    });
  }
});
