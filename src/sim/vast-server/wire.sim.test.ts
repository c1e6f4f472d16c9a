/** What the official client sends is answered as it expects. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  api,
  bearer,
  clock,
  create,
  freshWorlds,
  offers,
  plainSearch,
  query,
  rent,
  world,
  type Json,
} from '../../../test/support/market-api.ts';
import { httpCall } from '../../testing/http-call.ts';

describe('simulated market, on the wire', () => {
  freshWorlds('off');

  it('answers with exactly the type that the client reads, also errors', async () => {
    for (const [method, path, body] of [
      ['POST', '/api/v0/bundles/', plainSearch],
      ['GET', '/api/v0/users/current'],
      ['GET', '/api/v0/instances/1/?owner=me'],
      ['DELETE', '/api/v0/instances/1/', {}],
      ['GET', '/api/v0/instances/'],
    ] as const) {
      assert.equal((await api(method, path, body)).type, 'application/json', path);
    }
  });

  it('tells no header, a wrong key and a right one apart, in its own ways', async () => {
    const none = await api('GET', '/api/v0/users/current', undefined, {});
    assert.deepEqual([none.status, none.json['msg']], [403, 'This action requires login.']);
    const wrong = await api('GET', '/api/v0/users/current', undefined, bearer('0'.repeat(64)));
    assert.deepEqual([wrong.status, wrong.json['msg']], [401, 'Invalid user key']);
    assert.equal((await api('POST', '/api/v0/bundles/', {}, bearer('x'))).status, 404);
    assert.equal((await api('GET', `/api/v0/users/current/?api_key=${world.key}`, undefined, {})).status, 200);
    const names = await api('GET', '/api/v0/gpu_names/unique/', undefined, {});
    assert.ok((names.json['gpu_names'] as string[]).includes('RTX 4090'));
    const { json } = await api('GET', '/api/v0/users/current');
    assert.equal(json['credit'], 100);
    assert.equal(json['api_key'], undefined);
  });

  it('searches with numbers in quotes, fields by their other names, places by two letters', async () => {
    const found = await offers({
      ...plainSearch,
      num_gpus: { eq: '1' },
      gpu_ram: { gte: 20_000 },
      gpu_name: { in: ['RTX 4090', 'RTX 3090'] },
      reliability2: { gt: '0.95' },
      dph: { lte: '0.9' },
      geolocation: { notin: ['US', 'CA'] },
      datacenter: { eq: 'False' },
      order: [['dph_total', 'asc']],
      limit: 5,
    });
    assert.ok(found.length > 0 && found.length <= 5);
    const prices = found.map((offer) => offer['dph_total'] as number);
    assert.deepEqual(
      prices,
      prices.toSorted((a, b) => a - b),
    );
    for (const offer of found) {
      assert.equal(offer['num_gpus'], 1);
      assert.equal(offer['hosting_type'], 0);
      assert.doesNotMatch(String(offer['geolocation']), /US$|CA$/);
    }
    const newer = await api('PUT', '/api/v0/search/asks/', { select_cols: ['*'], q: plainSearch });
    assert.deepEqual(newer.json['offers'], await offers());
    const older = await api('GET', `/api/v0/bundles/?${query({ q: plainSearch })}`);
    assert.deepEqual(older.json['offers'], newer.json['offers']);
    assert.equal((await offers({ ...plainSearch, gpu_name: { eq: 'RTX_4090' } })).length, 0);
    assert.equal((await api('POST', '/api/v0/bundles/', { colour: { eq: 'red' } })).status, 400);
  });

  it('has storage in the price, for the size that is asked for', async () => {
    const at = async (storage: number) =>
      (await offers({ ...plainSearch, allocated_storage: storage, order: [['machine_id', 'asc']] }))[0]!;
    const [small, large] = [await at(10), await at(110)];
    const difference = (large['dph_total'] as number) - (small['dph_total'] as number);
    assert.ok(Math.abs(difference - ((small['storage_cost'] as number) * 100) / 730) < 1e-5, `${difference}`);
    const bids = await offers({ ...plainSearch, type: 'bid' });
    assert.ok(bids.every((offer) => offer['is_bid'] === true && offer['dph_base'] === offer['min_bid']));
  });

  it('rents an offer once, and says 404 or 410 to those who come later', async () => {
    const [offer] = await offers();
    const path = `/api/v0/asks/${String(offer!['id'])}/`;
    const first = await api('PUT', path, create('gw-a-1'));
    assert.deepEqual([first.status, first.json['success']], [200, true]);
    const later = await api('PUT', path, { ...create(), cancel_unavail: true });
    assert.ok(later.status === 404 || later.status === 410);
    assert.equal(later.json['error'], 'no_such_ask');
    const [one] = (await api('GET', '/api/v1/instances/')).json['instances'] as Json[];
    assert.deepEqual(one!['extra_env'], [
      ['SECRET', 'hunter2hunter2'],
      ['-p 8443:8443', '1'],
    ]);
    assert.equal(typeof one!['start_date'], 'number');
  });

  it('searches and rents in one, for those who ask so', async () => {
    const q = { ...plainSearch, gpu_name: { eq: 'RTX 4090' }, order: [['dph_total', 'asc']] };
    const { status, json } = await api('PUT', '/api/v0/launch_instance/', { ...create('gw-a-1'), q });
    assert.deepEqual([status, json['success']], [200, true]);
    assert.equal(world.instances()[0]!.gpuName, 'RTX 4090');
    const none = await api('PUT', '/api/v0/launch_instance/', { ...create(), q: { dph_total: { lt: 0.001 } } });
    assert.equal(none.json['error'], 'no_such_ask');
  });

  it('holds creates to its limits', async () => {
    const [offer] = await offers();
    const refused = async (change: Json) =>
      (await api('PUT', `/api/v0/asks/${String(offer!['id'])}/`, { ...create(), ...change })).json['error'];
    assert.equal(await refused({ label: 'x'.repeat(257) }), 'label_too_long');
    assert.equal(await refused({ image: 'x'.repeat(1_025) }), 'invalid_args');
    assert.equal(await refused({ onstart: 'bash', args: ['-c', 'x'.repeat(4_091)] }), 'invalid_args');
    assert.equal(await refused({ env: { A: 'x'.repeat(257) } }), 'invalid_args');
    assert.equal(await refused({ disk: '4' }), 'invalid_args');
    assert.equal(await refused({ price: 500 }), 'invalid_price');
    assert.equal(await refused({ env: '-e A=1 -p 8443:8443', disk: '16' }), undefined);
  });

  it('lists 25 a page by keyset, and refuses columns and tokens that it does not know', async () => {
    for (let i = 0; i < 60; i++) await rent(`gw-a-${i % 2}`);
    const ids: number[] = [];
    let token: unknown = '';
    const sizes: number[] = [];
    for (let page = 0; page < 10 && token !== null; page++) {
      const { json } = await api(
        'GET',
        `/api/v1/instances/?${query({ select_filters: {}, order_by: [{ col: 'id', dir: 'asc' }], limit: 100, after_token: token })}`,
      );
      assert.equal(json['success'], true);
      assert.equal(json['total_instances'], 60);
      const rows = json['instances'] as Json[];
      sizes.push(rows.length);
      ids.push(...rows.map((row) => row['id'] as number));
      // One ends between two pages: a page by position would skip another.
      if (page === 0) await api('DELETE', `/api/v0/instances/${ids[3]}/`, {}).then(() => rent('gw-a-0'));
      token = json['next_token'];
    }
    assert.deepEqual(sizes, [25, 25, 11]);
    assert.deepEqual(
      ids,
      ids.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(ids).size, 61);
    const labelled = await api('GET', `/api/v1/instances/?${query({ select_filters: { label: { in: ['gw-a-1'] } } })}`);
    assert.equal(labelled.json['total_instances'], 29);
    for (const bad of [
      { select_filters: { dph_total: { lt: 1 } } },
      { select_filters: { colour: { eq: 1 } } },
      { order_by: [{ col: 'num_gpus', dir: 'asc' }] },
      { after_token: 'nonsense' },
    ]) {
      assert.equal((await api('GET', `/api/v1/instances/?${query(bad)}`)).status, 400, JSON.stringify(bad));
    }
  });

  it('says that the old list is gone', async () => {
    const { status, json } = await api('GET', '/api/v0/instances/?owner=me');
    assert.deepEqual([status, json['error']], [410, 'deprecated_endpoint']);
  });

  it('shows one instance, or null, under a plural name', async () => {
    const id = await rent();
    const shown = (await api('GET', `/api/v0/instances/${id}/?owner=me`)).json['instances'] as Json;
    assert.deepEqual([shown['id'], shown['actual_status'], shown['ports']], [id, null, null]);
    assert.deepEqual((await api('GET', '/api/v0/instances/7/?owner=me')).json, { instances: null });
  });

  it('goes from nothing to running, with ports only then and blanks in the address', async () => {
    const id = await rent();
    const seen = new Set<unknown>();
    for (let i = 0; i < 2_000; i++) {
      const row = (await api('GET', `/api/v0/instances/${id}/`)).json['instances'] as Json;
      seen.add(row['actual_status']);
      if (row['actual_status'] === 'running') {
        assert.match(JSON.stringify(row['ports']), /"8443\/tcp":\[\{"HostIp":"0.0.0.0","HostPort":"\d+"\}/);
        break;
      }
      assert.equal(row['ports'], null);
      await clock.advance(2_000);
    }
    assert.deepEqual([...seen], [null, 'created', 'loading', 'running']);
  });

  it('labels, stops, starts and destroys, one or many', async () => {
    const [a, b] = [await rent('a'), await rent('b')];
    await clock.advance(1_200_000);
    const rows = async () => (await api('GET', '/api/v1/instances/')).json['instances'] as Json[];
    assert.deepEqual((await api('PUT', `/api/v0/instances/${a}/`, { label: 'z' })).json, { success: true });
    await api('PUT', '/api/v0/instances/', { state: 'stopped', ids: [a, b] });
    assert.deepEqual(
      (await rows()).map((row) => [row['label'], row['actual_status'], row['intended_status']]),
      [
        ['z', 'exited', 'stopped'],
        ['b', 'exited', 'stopped'],
      ],
    );
    await api('PUT', `/api/v0/instances/${a}/`, { state: 'running' });
    await clock.advance(60_000);
    assert.equal((await rows())[0]!['actual_status'], 'running');
    assert.equal((await api('PUT', `/api/v0/instances/reboot/${a}/`, {})).json['success'], true);
    assert.equal((await rows())[0]!['actual_status'], 'loading');
    assert.equal((await api('PUT', `/api/v0/instances/bid_price/${a}/`, { client_id: 'me', price: 1 })).status, 400);
    const gone = await api('DELETE', '/api/v0/instances/', { instance_ids: [a, b] });
    assert.equal(gone.json['success'], true);
    assert.deepEqual(await rows(), []);
    assert.equal((await api('DELETE', `/api/v0/instances/${a}/`, {})).json['error'], 'no_such_instance');
  });

  it('puts logs on a file server, a moment later', async () => {
    const id = await rent();
    const { json } = await api('PUT', `/api/v0/instances/request_logs/${id}/`, { tail: '100', daemon_logs: 'true' });
    const url = json['result_url'] as string;
    assert.equal((await httpCall(url)).status, 403);
    await clock.advance(1_000);
    assert.match((await httpCall(url)).text, /hunter2hunter2/);
  });

  it('lets a machine do with its own key what it may do to itself, and no more', async () => {
    const [offer] = await offers();
    const { json } = await api('PUT', `/api/v0/asks/${String(offer!['id'])}/`, create('gw-a-1'));
    const other = await rent();
    const own = bearer(json['instance_api_key'] as string);
    const id = String(json['new_contract']);
    assert.equal((await api('PUT', `/api/v0/instances/${id}/`, { state: 'stopped' }, own)).status, 200);
    assert.equal((await api('PUT', `/api/v0/instances/${other}/`, { state: 'stopped' }, own)).status, 401);
    assert.equal((await api('DELETE', `/api/v0/instances/${id}/`, {}, own)).status, 401);
    assert.equal((await api('GET', '/api/v1/instances/', undefined, own)).status, 401);
  });

  it('is told what shall go wrong, where that is allowed', async () => {
    const fault = (body: Json) => api('POST', '/sim/fault', body, {});
    const id = await rent();
    await clock.advance(1_200_000);
    assert.equal((await fault({ kind: 'lose', instanceId: id })).status, 200);
    const { json } = await api('GET', '/sim/instances', undefined, {});
    assert.equal((json['instances'] as Json[])[0]!['status'], 'offline');
    assert.equal((await fault({ kind: 'meteor' })).status, 400);
    assert.equal((await fault({ kind: 'lose', instanceId: 1 })).status, 400);
    await fault({ kind: 'api-down', forMs: 60_000 });
    const down = await api('GET', '/api/v1/instances/');
    assert.deepEqual([down.status, down.type], [502, 'text/html']);
    await clock.advance(60_000);
    assert.equal((await api('GET', '/api/v1/instances/')).status, 200);
  });
});
