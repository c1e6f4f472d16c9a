import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import { testRandom } from '../testing/seeded-random.ts';
import { ShardedMap } from './sharded-map.ts';

it('a sharded map behaves as a map', () => {
  const change = fc.record({
    kind: fc.constantFrom('set', 'delete', 'clear'),
    key: fc.string({ maxLength: 3 }),
    value: fc.nat(),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const map = new ShardedMap<string, number>();
      const model = new Map<string, number>();
      for (const { kind, key, value } of changes) {
        if (kind === 'set') {
          map.set(key, value);
          model.set(key, value);
        } else if (kind === 'delete') assert.equal(map.delete(key), model.delete(key));
        else if (value % 10 === 0) {
          map.clear();
          model.clear();
        }
        assert.equal(map.size, model.size);
        assert.equal(map.get(key), model.get(key));
        assert.equal(map.has(key), model.has(key));
      }
      const ascending = (a: number, b: number) => a - b;
      assert.deepEqual([...map.values()].sort(ascending), [...model.values()].sort(ascending));
    }),
    { seed: testRandom('sharded map').seed },
  );
});
