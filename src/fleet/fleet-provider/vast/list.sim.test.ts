/** A list of what runs and costs money is believed whole or not at all. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { call, failure, secret, send, withMarket } from '../../../../test/support/vast-market.ts';
import { epochMs } from '../../../core/units.ts';
import { instanceId } from '../../fleet-provider.ts';

describe('vast driver: a list that cannot be trusted is unknown, never empty', () => {
  const answers: readonly (readonly [what: string, status: number, body: unknown])[] = [
    ['no success', 200, { total_instances: 0, instances: [], next_token: null }],
    ['success of another kind', 200, { success: 'yes', total_instances: 0, instances: [], next_token: null }],
    ['no count', 200, { success: true, instances: [], next_token: null }],
    ['a count in words', 200, { success: true, total_instances: 'none', instances: [] }],
    ['fewer than it counts', 200, { success: true, total_instances: 2, instances: [{ id: 1 }], next_token: null }],
    ['more than it counts', 200, { success: true, total_instances: 0, instances: [{ id: 1 }], next_token: null }],
    ['a row without an id', 200, { success: true, total_instances: 1, instances: [{ label: 'gw-a' }] }],
    ['an endless list', 200, { success: true, total_instances: 9, instances: [{ id: 1 }], next_token: 'again' }],
    ['no list', 200, { success: true, total_instances: 0, instances: null }],
    ['nothing', 200, ''],
    ['an array', 200, []],
    ['a web page', 200, '<html><title>Hello</title></html>'],
    ['the old endpoint', 410, { success: false, error: 'deprecated_endpoint', msg: 'gone' }],
    ['not found', 404, { success: false, error: 'not_found' }],
    ['trouble', 503, 'upstream connect error'],
    ['a redirect', 301, ''],
  ];
  for (const [what, status, body] of answers) {
    it(`takes ${what} for unknown`, () =>
      withMarket(
        (_, response) => send(response, status, body),
        async (provider) => {
          await failure(provider.list('gw-', call), 'provider_unavailable');
        },
      ));
  }

  it('reads all pages, and reads again what changed under its eyes', () =>
    withMarket(
      ({ url }, response, nth) => {
        const second = new URL(url, 'http://x').searchParams.get('after_token') === 'two';
        // An instance ends between the pages of the first reading.
        const total = nth === 1 ? 3 : 2;
        const instances = second ? [{ id: 3, label: 'gw-a-3' }] : [{ id: '1', label: 'gw-a-1' }];
        send(response, 200, { success: true, total_instances: total, instances, next_token: second ? null : 'two' });
      },
      async (provider, asked) => {
        const ids = (await provider.list('gw-a-', call)).map(({ id }) => id);
        assert.deepEqual(ids, [instanceId('1'), instanceId('3')]);
        assert.equal(asked.length, 4);
      },
    ));

  it('reads rows with null, absent and quoted fields, and an address with blanks', () =>
    withMarket(
      (_, response) =>
        send(response, 200, {
          success: true,
          total_instances: 4,
          next_token: null,
          instances: [
            { id: 1, label: null, actual_status: null, ports: null, start_date: null, extra_env: null },
            {
              id: 2,
              label: 'gw-a-2',
              actual_status: 'running',
              public_ipaddr: ' 203.0.113.5 \n',
              ports: { '8443/tcp': [{ HostIp: '0.0.0.0', HostPort: '33526' }], '22/udp': [{ HostPort: '1' }], odd: 5 },
              dph_total: '0.41',
              storage_total_cost: 0.01,
              start_date: '1767225600.5',
              status_msg: `success, token=${secret} and ${secret}`,
              extra_env: [['GW_TOKEN', secret]],
            },
            { id: 3, label: 'gw-a-3', actual_status: 'offline', extra_env: [['A']] },
            { id: 4, label: 'gw-a-4', actual_status: 'exploded', extra_env: { A: 'b' } },
          ],
        }),
      async (provider) => {
        const all = await provider.list('', call);
        assert.deepEqual(
          all.map(({ status }) => status),
          ['creating', 'running', 'lost', 'lost'],
        );
        const running = all[1]!;
        assert.deepEqual([...running.endpoints], [[8443, { host: '203.0.113.5', port: 33_526 }]]);
        assert.equal(running.pricePerHour, 410_000);
        assert.equal(running.startedAt, epochMs(1_767_225_600_500));
        assert.equal(running.gpuBilled, true);
        assert.doesNotMatch(running.statusText, new RegExp(secret));
        assert.equal((await provider.list('gw-', call)).length, 3);
      },
    ));

  it('takes what is no reading of the GPU for unknown, never for 0, and the list for whole', () =>
    withMarket(
      (_, response) => {
        const card = { gpu_ram: 24_564, gpu_totalram: 24_564 };
        const rows = [
          { actual_status: 'running', ...card, gpu_util: 72.5, vmem_usage: 8.2 },
          { actual_status: 'running', ...card, gpu_util: '0', vmem_usage: '8192' },
          { actual_status: 'running', ...card, gpu_util: null, vmem_usage: null },
          { actual_status: 'running', ...card, gpu_util: -1, vmem_usage: 90_000 },
          { actual_status: 'running', gpu_util: ' ', vmem_usage: { gb: 1 } },
          { actual_status: 'exited', ...card, gpu_util: 72.5, vmem_usage: 8.2 },
        ];
        const instances = rows.map((row, index) => ({ id: index + 1, label: `gw-a-${index + 1}`, ...row }));
        send(response, 200, { success: true, total_instances: rows.length, next_token: null, instances });
      },
      async (provider) => {
        const unknown = undefined;
        const vramBytes = 24_564 * 2 ** 20;
        assert.deepEqual(
          (await provider.list('', call)).map(({ gpuUse }) => gpuUse),
          [
            { utilizationRatio: 0.725, vramUsedBytes: 8.2e9, vramBytes },
            { utilizationRatio: 0, vramUsedBytes: 2 ** 33, vramBytes },
            { utilizationRatio: unknown, vramUsedBytes: unknown, vramBytes },
            { utilizationRatio: unknown, vramUsedBytes: unknown, vramBytes },
            { utilizationRatio: unknown, vramUsedBytes: unknown, vramBytes: unknown },
            { utilizationRatio: unknown, vramUsedBytes: unknown, vramBytes },
          ],
        );
      },
    ));
});
