import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { tenantId } from '../core/ids.ts';
import { seededRandom } from '../core/random.ts';
import { addMs } from '../core/units.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { createKeyRing, type AddressGrant, type KeyRing, type NewKey } from './key-ring.ts';

const acme: NewKey = { tenant: tenantId('acme'), name: 'acme', models: [], limits: {}, cache: 'tenant' };
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe('createKeyRing', () => {
  let folder: string;
  let clock: FakeClock;
  let rings: KeyRing[];
  const file = () => join(folder, 'keys.json');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'selfhost-keys-'));
    clock = new FakeClock();
    rings = [];
  });
  afterEach(() => {
    for (const ring of rings) ring.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (options: { byAddress?: readonly AddressGrant[]; keysMax?: number; seed?: number } = {}): KeyRing => {
    const { byAddress = [], keysMax = 10, seed = 1 } = options;
    const ring = createKeyRing({
      clock,
      random: seededRandom(seed),
      logger: silentLogger,
      options: { file: file(), configured: [], byAddress, keysMax },
    });
    rings.push(ring);
    return ring;
  };
  const refuses = (act: () => unknown, code: string, words: RegExp): void => {
    assert.throws(act, (error: { code?: string; message: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, words);
      return true;
    });
  };

  it('lets everybody in while there is no key, and nobody without one from the first key on', () => {
    const ring = open();
    assert.equal(ring.required, false);
    assert.equal(ring.identify(bearer('any'), '127.0.0.1').tenant, 'local');
    const { secret } = ring.create(acme);
    assert.equal(ring.required, true);
    assert.equal(ring.identify(bearer(secret), undefined).tenant, 'acme');
    assert.equal(ring.identify({ 'x-api-key': secret }, undefined).tenant, 'acme');
    refuses(() => ring.identify({}, '127.0.0.1'), 'unauthorized', /no API key was sent/);
    refuses(() => ring.identify(bearer(`${secret}x`), undefined), 'unauthorized', /not known/);
  });

  it('keeps no key, only its hash, in a file that its owner alone may read', () => {
    const { secret, record } = open().create(acme);
    assert.match(secret, /^shk_[0-9A-Za-z]{40}$/);
    const text = readFileSync(file(), 'utf8');
    assert.ok(!text.includes(secret) && text.includes(record.sha256));
    assert.equal(statSync(file()).mode & 0o777, 0o600);
    // And is known again by the next process.
    assert.equal(open().identify(bearer(secret), undefined).tenant, 'acme');
  });

  it('rotates with a time in which both work, and revokes at once', async () => {
    const ring = open();
    const first = ring.create({ ...acme, limits: { usdPerDay: 3 }, cache: 'shared' });
    const second = ring.rotate(first.record.id, 60_000);
    assert.deepEqual(
      { limits: second.record.limits, cache: second.record.cache, tenant: second.record.tenant },
      { limits: { usdPerDay: 3 }, cache: 'shared', tenant: 'acme' },
    );
    assert.equal(ring.identify(bearer(first.secret), undefined).tenant, 'acme');
    await clock.advance(60_001);
    refuses(() => ring.identify(bearer(first.secret), undefined), 'unauthorized', /has expired/);
    assert.equal(ring.identify(bearer(second.secret), undefined).tenant, 'acme');
    ring.revoke(second.record.id);
    refuses(() => ring.identify(bearer(second.secret), undefined), 'unauthorized', /was revoked/);
    assert.deepEqual(
      ring.list().map(({ state }) => state),
      ['expired', 'revoked'],
    );
    refuses(() => ring.rotate(first.record.id, 0), 'bad_request', /no longer works/);
    refuses(() => ring.revoke('key_none'), 'key_not_found', /keys list/);
  });

  it('never opens the doors again because the last key has ended', async () => {
    const ring = open();
    const { record } = ring.create({ ...acme, expiresAt: addMs(clock.now(), 1000) });
    await clock.advance(1001);
    assert.equal(ring.list()[0]!.state, 'expired');
    assert.equal(ring.required, true);
    refuses(() => ring.identify({}, undefined), 'unauthorized', /no API key/);
    ring.revoke(record.id);
    refuses(() => ring.identify({}, undefined), 'unauthorized', /no API key/);
  });

  it('follows a change of the file by another process, and keeps what it knew when the change is garbage', async () => {
    const here = open();
    const there = open({ seed: 2 });
    const { secret, record } = there.create(acme);
    await clock.advance(2_000);
    assert.equal(here.identify(bearer(secret), undefined).tenant, 'acme');
    there.revoke(record.id);
    await clock.advance(2_000);
    refuses(() => here.identify(bearer(secret), undefined), 'unauthorized', /was revoked/);
    const kept = there.create(acme);
    await clock.advance(2_000);
    writeFileSync(file(), '{"version":1,"keys":[{"id":');
    await clock.advance(2_000);
    assert.equal(here.identify(bearer(kept.secret), undefined).tenant, 'acme');
  });

  it('refuses to start on a file that it cannot read whole', () => {
    writeFileSync(file(), '{"version":1,"keys":[{"id":"key_1","limit":{}}]}');
    refuses(() => open(), 'config_invalid', /keys\.json holds the API keys and cannot be read/);
  });

  it('limits requests a minute, and says when the next may pass', async () => {
    const ring = open();
    const { secret } = ring.create({ ...acme, limits: { requestsPerMinute: 3 } });
    const caller = ring.identify(bearer(secret), undefined);
    for (let i = 0; i < 3; i++) void caller.enter();
    assert.throws(
      () => caller.enter(),
      (error: { code: string; retryAfterMs: number }) => error.code === 'rate_limited' && error.retryAfterMs === 20_000,
    );
    await clock.advance(20_001);
    void caller.enter();
    refuses(() => caller.enter(), 'rate_limited', /3 requests a minute/);
  });

  it('limits tokens a minute by what answers took', async () => {
    const ring = open();
    const { secret } = ring.create({ ...acme, limits: { tokensPerMinute: 600 } });
    const caller = ring.identify(bearer(secret), undefined);
    void caller.enter();
    caller.used(1_200, 0);
    refuses(() => caller.enter(), 'rate_limited', /600 tokens a minute/);
    await clock.advance(59_000);
    refuses(() => caller.enter(), 'rate_limited', /600 tokens a minute/);
    await clock.advance(1_200);
    void caller.enter();
  });

  it('stops the cost of a day at its cap, counts it over a restart, and begins anew at midnight UTC', async () => {
    const { secret } = open().create({ ...acme, limits: { usdPerDay: 0.5 } });
    const before = open();
    const caller = before.identify(bearer(secret), undefined);
    caller.used(10, 499_999);
    assert.equal(caller.spent(), undefined);
    caller.used(10, 1);
    assert.equal(caller.spent()?.code, 'budget_exhausted');
    before.close();
    const again = open();
    assert.match(again.identify(bearer(secret), undefined).spent()!.message, /\$0\.5 of today.*00:00 UTC/);
    assert.equal(again.list()[0]!.usage.tokens, 20);
    await clock.advance(86_400_000 - (clock.now() % 86_400_000));
    assert.equal(again.identify(bearer(secret), undefined).spent(), undefined);
    assert.equal(again.list()[0]!.usage.usdMicros, 500_000);
  });

  it('keeps the counts of a key through the making of other keys', () => {
    const ring = open();
    const { secret } = ring.create({ ...acme, limits: { requestsPerMinute: 1 } });
    void ring.identify(bearer(secret), undefined).enter();
    ring.create(acme);
    refuses(() => ring.identify(bearer(secret), undefined).enter(), 'rate_limited', /1 requests a minute/);
  });

  it('says which models a key may ask', () => {
    const ring = open();
    const { secret } = ring.create({ ...acme, models: ['llama3.2', 'qwen3:*'] });
    const caller = ring.identify(bearer(secret), undefined);
    assert.deepEqual(
      ['llama3.2', 'llama3.2:latest', 'llama3.2:3b', 'qwen3:8b', 'gemma3'].map((model) => caller.mayAsk(model)),
      [true, true, false, true, false],
    );
    refuses(
      () => caller.checkModel('gemma3'),
      'forbidden',
      /may not ask model `gemma3`; it may ask llama3\.2, qwen3:\*/,
    );
  });

  it('gives each kind of sharing its own wall, which no tenant name can climb', () => {
    const ring = open();
    const owner = (cache: NewKey['cache'], tenant = 'acme') =>
      ring.identify(bearer(ring.create({ ...acme, cache, tenant: tenantId(tenant) }).secret), undefined).cacheOwner;
    assert.equal(owner('tenant'), 'acme');
    assert.equal(owner('off'), undefined);
    const shared = owner('shared');
    assert.equal(owner('shared', 'other'), shared);
    const [one, two] = [owner('private'), owner('private')];
    assert.notEqual(one, two);
    for (const name of [shared, one, two]) assert.doesNotMatch(name!, /^[\w.-]{1,64}$/);
  });

  it('lets clients without a key in by their address, also as an IPv4 address inside IPv6', () => {
    const lan: AddressGrant = { from: '10.1.0.0/16', tenant: 'lan', models: ['llama3.2'], limits: {}, cache: 'tenant' };
    const ring = open({ byAddress: [lan, { ...lan, from: 'fd00::/8', tenant: 'six' }] });
    assert.equal(ring.required, true);
    assert.equal(ring.identify({}, '10.1.2.3').tenant, 'lan');
    assert.equal(ring.identify(bearer('any'), '::ffff:10.1.2.3').tenant, 'lan');
    assert.equal(ring.identify({}, 'fd12::1').tenant, 'six');
    refuses(() => ring.identify({}, '10.2.0.1'), 'unauthorized', /no API key/);
    refuses(() => open({ byAddress: [{ ...lan, from: 'office' }] }), 'config_invalid', /`office` is no address/);
  });

  it('keeps no more keys than it may', () => {
    const ring = open({ keysMax: 1 });
    ring.create(acme);
    refuses(() => ring.create(acme), 'bad_request', /keys\.keysMax/);
  });
});
