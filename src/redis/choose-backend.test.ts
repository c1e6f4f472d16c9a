import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseBackend } from './choose-backend.ts';

const plain = { commands: new Set(['xadd', 'xread', 'scan']) };
const engine = { commands: new Set([...plain.commands, 'ft.search', 'ft.create']) };

describe('choosing a backend', () => {
  it('searches in the gateway while the entries fit there, whatever the server can do', () => {
    assert.equal(chooseBackend(plain, { wanted: 'auto', entriesMax: 200_000 }).backend, 'log');
    assert.deepEqual(chooseBackend(engine, { wanted: 'auto', entriesMax: 200_000 }), {
      backend: 'log',
      why: '200,000 entries fit into each gateway; the Query Engine is there and not needed: a search in the gateway asks no network',
    });
  });

  it('searches in the server when they are too many and it can', () => {
    assert.equal(chooseBackend(engine, { wanted: 'auto', entriesMax: 1_000_000 }).backend, 'ft');
    const without = chooseBackend(plain, { wanted: 'auto', entriesMax: 1_000_000 });
    assert.equal(without.backend, 'log');
    assert.match(without.why, /no Query Engine; with 1,000,000 entries a gateway needs about 1,700 MB/);
  });

  it('does what it is told, and degrades when that is not there', () => {
    assert.equal(chooseBackend(engine, { wanted: 'ft', entriesMax: 1 }).backend, 'ft');
    const degraded = chooseBackend(plain, { wanted: 'ft', entriesMax: 1 });
    assert.deepEqual([degraded.backend, degraded.degradedFrom], ['log', 'ft']);
    assert.match(degraded.why, /lacks FT\.SEARCH, FT\.CREATE/);
    assert.equal(chooseBackend(plain, { wanted: 'vset', entriesMax: 1 }).degradedFrom, 'vset');
  });

  it('says that a server cannot serve at all', () => {
    assert.deepEqual(chooseBackend({ commands: new Set(['scan']) }, { wanted: 'auto', entriesMax: 1 }), {
      backend: undefined,
      why: 'the server lacks XADD, XREAD, which every backend needs',
    });
  });
});
