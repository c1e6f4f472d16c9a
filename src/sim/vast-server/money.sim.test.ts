import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { api, clock, freshWorlds, query, rent, world, type Json } from '../../../test/support/market-api.ts';

describe('simulated market, its money', () => {
  freshWorlds('off');

  it('charges by the day, and the charges are the bill', async () => {
    await rent('gw-a-1');
    await rent('gw-a-2');
    await clock.advance(30 * 3_600_000);
    const rows: Json[] = [];
    let token: unknown = '';
    while (token !== null) {
      const { json } = await api(
        'GET',
        `/api/v0/charges/?${query({ select_filters: { day: { gte: 0, lte: 9e9 }, type: { in: ['instance'] } }, limit: 1, after_token: token })}`,
      );
      rows.push(...(json['results'] as Json[]));
      token = json['next_token'];
    }
    assert.equal(rows.length, 4, 'two instances on two days');
    const nano = rows
      .flatMap((row) => row['items'] as Json[])
      .reduce((sum, item) => sum + Math.round((item['amount'] as number) * 1e9), 0);
    assert.equal(nano, world.bill().totalNanoUsd);
    assert.equal((rows[0]!['metadata'] as Json)['label'], 'gw-a-1');
    const first = await api(
      'GET',
      `/api/v0/charges/?${query({ select_filters: { day: { gte: 0, lte: rows[0]!['start'] } } })}`,
    );
    assert.equal((first.json['results'] as Json[]).length, 2);
  });

  it('tells prices per kind of GPU', async () => {
    const { json } = await api('GET', '/api/v0/metrics/gpu/current/?verified=yes');
    const row = (json['gpus'] as Json[]).find((each) => each['gpu_name'] === 'RTX 4090')!;
    const [p10, median, p90] = [row['price_p10'], row['price_median'], row['price_p90']] as number[];
    assert.ok(p10! > 0 && p10! <= median! && median! <= p90!);
    const sizes = await Promise.all(
      ['verified=all&hosting_type=all&num_gpus=all', 'verified=yes', 'verified=no', 'num_gpus=2'].map(
        async (filter) => {
          const found = await api('GET', `/api/v0/metrics/gpu/current/?${filter}`);
          return (found.json['gpus'] as Json[]).reduce((sum, each) => sum + (each['available'] as number), 0);
        },
      ),
    );
    assert.equal(sizes[0], sizes[1]! + sizes[2]!);
    assert.ok(sizes[3]! > 0 && sizes[3]! < sizes[0]);
  });
});
