import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { epochMs, usdMicros } from '../core/units.ts';
import { instanceId, offerId } from './fleet-provider.ts';
import { openIntentStore, type Rental } from './intent-store.ts';
import { newMeter } from './meter.ts';

const aRental = (label: string, fields: Partial<Rental> = {}): Rental => ({
  label,
  offerId: offerId('o1'),
  instanceId: undefined,
  machineId: 'm1',
  hostId: 'h1',
  gpuName: 'RTX 4090',
  country: 'US',
  pricePerHour: usdMicros(400_000),
  storagePerHour: usdMicros(7_000),
  downUsdPerGb: 0.005,
  upUsdPerGb: 0.01,
  tokensPerS: undefined,
  phase: 'requested',
  phaseAt: epochMs(1),
  reason: 'test',
  createdAt: epochMs(1),
  readyAt: undefined,
  endedAt: undefined,
  endReason: undefined,
  outcome: 'pending',
  secrets: 'key',
  meter: newMeter(epochMs(1)),
  settledAt: undefined,
  ...fields,
});

describe('intent store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'selfhost-intents-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps what was asked for, by its age and whether it still costs', () => {
    const store = openIntentStore(':memory:');
    store.put(aRental('a', { createdAt: epochMs(1) }));
    store.put(aRental('b', { createdAt: epochMs(2) }));
    store.put(aRental('a', { createdAt: epochMs(1), phase: 'gone' }));
    assert.deepEqual(
      store.alive().map(({ label }) => label),
      ['b'],
    );
    assert.deepEqual(
      store.recent(5).map(({ label }) => label),
      ['b', 'a'],
    );
    assert.deepEqual(
      store.since(epochMs(2)).map(({ label }) => label),
      ['b'],
    );
    assert.equal(store.get('c'), undefined);
    store.close();
  });

  it('is readable by its owner alone', () => {
    const path = join(folder, 'private.db');
    openIntentStore(path).close();
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('has on disk what it was given, however its process ends', () => {
    const path = join(folder, 'killed.db');
    const program = `
      import { openIntentStore } from ${JSON.stringify(new URL('./intent-store.ts', import.meta.url).href)};
      const store = openIntentStore(${JSON.stringify(path)});
      store.put(${JSON.stringify(aRental('gw-x-1'))});
      store.bench({ kind: 'machine', id: 'm1', strikes: 2, until: 5, reason: 'slow', at: 1 });
      store.setFact('halt', 'yes');
      store.note({ at: 1, label: 'gw-x-1', kind: 'requested', text: 'test' });
      process.kill(process.pid, 'SIGKILL');`;
    const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program]);
    assert.equal(signal, 'SIGKILL');
    const store = openIntentStore(path);
    assert.equal(store.alive()[0]?.secrets, 'key');
    store.put({ ...store.alive()[0]!, instanceId: instanceId('7') });
    assert.deepEqual(
      [store.get('gw-x-1')?.instanceId, store.benched()[0]?.strikes, store.fact('halt'), store.events(9).length],
      ['7', 2, 'yes', 1],
    );
    assert.deepEqual(
      [store.unbench('machine', 'm1'), store.unbench('machine', 'm1'), store.benched()],
      [true, false, []],
    );
    store.close();
  });
});
