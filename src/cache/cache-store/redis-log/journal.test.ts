import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { entryId, localTenant, tenantId, type ExactKey, type Scope } from '../../../core/ids.ts';
import { silentLogger } from '../../../telemetry/logger.ts';
import { InvalidationJournal, owedMax } from './journal.ts';

const key = 'a'.repeat(32) as ExactKey;
const scope = 'b'.repeat(32) as Scope;
const removed = entryId('removed');

describe('invalidations that Redis has not confirmed', () => {
  let folder: string;
  let path: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'selfhost-journal-'));
    path = join(folder, 'owed.json');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('block the entry that was removed, and not a newer one under its key', () => {
    const journal = new InvalidationJournal(undefined, silentLogger);
    journal.add({ kind: 'entry', key, id: removed });
    assert.equal(journal.blocks(key, removed, localTenant, scope), true);
    assert.equal(journal.blocks(key, entryId('newer'), localTenant, scope), false);
    journal.settled({ kind: 'entry', key, id: removed });
    assert.equal(journal.blocks(key, removed, localTenant, scope), false);
  });

  it('block all of a scope, of a tenant, or everything', () => {
    const other = tenantId('other');
    for (const [selector, here, elsewhere] of [
      [`s:${scope}`, true, true],
      [`t:${localTenant}`, true, false],
      ['t:other', false, true],
      ['*', true, true],
    ] as const) {
      const journal = new InvalidationJournal(undefined, silentLogger);
      journal.add({ kind: 'selector', selector, least: 0 });
      assert.equal(journal.blocks(key, removed, localTenant, scope), here, selector);
      assert.equal(journal.blocks(key, removed, other, scope), elsewhere, selector);
    }
  });

  it('outlive the process', () => {
    new InvalidationJournal(path, silentLogger).add({ kind: 'entry', key, id: removed });
    const next = new InvalidationJournal(path, silentLogger);
    assert.deepEqual(next.owed(), [{ kind: 'entry', key, id: removed }]);
    next.settled(next.owed()[0]!);
    assert.equal(readFileSync(path, 'utf8'), '[]');
  });

  it('become one of everything when there are too many', () => {
    const journal = new InvalidationJournal(undefined, silentLogger);
    for (let n = 0; n <= owedMax; n++) journal.add({ kind: 'entry', key, id: entryId(`removed-${n}`) });
    assert.deepEqual(journal.owed(), [{ kind: 'selector', selector: '*', least: 0 }]);
  });

  for (const damage of ['', '{"kind":"selec', '{}', '[null]', '[{"kind":"entry"}]']) {
    it(`are taken for all that is stored when their file says ${damage === '' ? 'nothing' : damage}`, () => {
      writeFileSync(path, damage);
      const journal = new InvalidationJournal(path, silentLogger);
      assert.equal(journal.blocks(key, removed, localTenant, scope), true);
    });
  }
});
