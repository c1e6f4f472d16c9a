import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { api, bearer, clock, freshWorlds, plainSearch, world } from '../../../test/support/market-api.ts';
import { httpCall } from '../../testing/http-call.ts';

describe('simulated market, in a hurry', () => {
  freshWorlds('on');

  it('refuses what comes too often, in plain words and without a time', async () => {
    const path = '/api/v1/instances/';
    const shapes = new Set<string>();
    for (let i = 0; i < 3; i++) {
      await clock.advance(1_000);
      assert.equal((await api('GET', path)).status, 200);
      const refused = await httpCall(world.url + path, { headers: bearer() });
      assert.deepEqual([refused.status, refused.headers['content-type']], [429, 'text/plain']);
      assert.equal(refused.headers['retry-after'], undefined);
      shapes.add(refused.text);
    }
    assert.deepEqual([...shapes].toSorted(), [
      'API requests too frequent',
      'API requests too frequent: endpoint threshold=1',
      '{"detail": "API requests too frequent"}',
    ]);
  });

  it('counts searches by the minute, and each way apart', async () => {
    for (let i = 0; i < 10; i++) assert.equal((await api('POST', '/api/v0/bundles/', plainSearch)).status, 200);
    assert.equal((await api('POST', '/api/v0/bundles/', plainSearch)).status, 429);
    assert.equal((await api('GET', '/api/v1/instances/')).status, 200);
    await clock.advance(60_000);
    assert.equal((await api('POST', '/api/v0/bundles/', plainSearch)).status, 200);
  });
});
