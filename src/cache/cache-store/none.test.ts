import assert from 'node:assert/strict';
import { it } from 'node:test';
import { exactKey } from '../../core/ids.ts';
import { anEntry } from './conformance.ts';
import { createNoStore } from './none.ts';

it('a disabled cache takes entries and remembers none', async () => {
  const store = createNoStore();
  await store.put(anEntry('water'));
  assert.equal(await store.getByKey(exactKey('key-water')), undefined);
  assert.deepEqual(await store.list({}, { limit: 10 }), []);
  for await (const batch of store.semanticEntries()) assert.fail(`has ${batch.length} entries`);
  assert.deepEqual(store.stats(), { entries: 0, bytes: 0 });
});
