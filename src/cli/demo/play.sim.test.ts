import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { playDemo } from './play.ts';

describe('demo', () => {
  it('gives everything back when it is interrupted while machines start', async () => {
    const interrupted = new AbortController();
    const said: string[] = [];
    const summary = await playDemo({
      seed: 4,
      signal: interrupted.signal,
      onMoment: ({ says }) => said.push(says),
      onScene({ fleet }) {
        if (fleet?.machines.some(({ phase }) => phase !== 'requested')) interrupted.abort();
      },
    });
    assert.ok(
      said.some((line) => line.includes('requested')),
      said.join('\n'),
    );
    assert.deepEqual([summary.leaked, summary.interrupted], [0, true]);
    assert.ok(summary.rented > 0);
    for (const field of ['billedUsd', 'ledgerUsd', 'savedUsd', 'upstreamCalls', 'lost'] as const)
      assert.ok(Number.isFinite(summary[field]), field);
  });
});
