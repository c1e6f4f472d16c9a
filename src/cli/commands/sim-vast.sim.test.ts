import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runProcess, startProcess } from '../../../test/support/cli.ts';
import { httpCall } from '../../testing/http-call.ts';

interface Ready {
  readonly url: string;
  readonly key: string;
  readonly seed: number;
}

describe('llm-self-host sim vast', () => {
  it('plays a market until it is told to stop; the same seed is the same market', async () => {
    const seen: string[] = [];
    for (let i = 0; i < 2; i++) {
      const market = await startProcess(['sim', 'vast', '--seed', '7', '--machines', '30', '--control', '--json']);
      const { url, key, seed } = market.ready as unknown as Ready;
      assert.equal(seed, 7);
      const headers = { authorization: `Bearer ${key}` };
      const found = await httpCall(`${url}/api/v0/bundles/`, { headers, body: { limit: 100 } });
      const { offers } = JSON.parse(found.text) as { offers: Record<string, unknown>[] };
      assert.ok(offers.length > 5);
      seen.push(key, JSON.stringify(offers.map((offer) => [offer['machine_id'], offer['gpu_name'], offer['inet_up']])));
      assert.equal((await httpCall(`${url}/sim/bill`)).status, 200);
      const { code, err } = await market.stop();
      assert.deepEqual([code, err], [0, '']);
      assert.equal((await httpCall(url)).status, 0);
    }
    assert.deepEqual(seen.slice(0, 2), seen.slice(2));
  });

  it('says what is wrong with an option, and with a port that is taken', async () => {
    const market = await startProcess(['sim', 'vast', '--json']);
    const { url } = market.ready as unknown as Ready;
    const [taken, odd] = await Promise.all([
      runProcess(['sim', 'vast', '--port', new URL(url).port]),
      runProcess(['sim', 'vast', '--bad-share', '2']),
    ]);
    assert.equal(taken.code, 1);
    assert.match(taken.err, /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*; choose another with --port/);
    assert.equal(odd.code, 1);
    assert.match(odd.err, /expected a number from 0 to 1/);
    // Where nobody asked for it, nothing can be made to go wrong from outside.
    assert.equal((await httpCall(`${url}/sim/bill`)).status, 404);
    await market.stop();
  });
});
