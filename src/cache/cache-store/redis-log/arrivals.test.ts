import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Clock } from '../../../core/clock.ts';
import { entryId, exactKey, type EntryId } from '../../../core/ids.ts';
import { addMs } from '../../../core/units.ts';
import { silentLogger } from '../../../telemetry/logger.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { testRandom } from '../../../testing/seeded-random.ts';
import { nextTurn, TimeSlice } from '../../time-slice.ts';
import { anEntry } from '../conformance.ts';
import { Shelf } from '../shelf.ts';
import { Arrivals } from './arrivals.ts';
import { encodeVector } from './body-codec.ts';
import { Generations } from './generations.ts';
import { headOf, type Head } from './head-codec.ts';

const clock = new FakeClock();
const vec8 = encodeVector(anEntry('any').semantic!.vector);
/** Every look at it finds the slice over. */
const restless: Clock = Object.create(clock, { monotonicMs: { value: () => (ticks += 100) } }) as Clock;
let ticks = 0;

function open() {
  const random = testRandom('arrivals');
  let puts = 0;
  const shelf = new Shelf({
    clock,
    random,
    logger: silentLogger,
    limits: { entriesMax: 10_000, bytesMax: 2 ** 30 },
    dropped: () => {},
  });
  const arrivals = new Arrivals({
    me: 'me',
    clock,
    shelf,
    generations: new Generations(),
    nextSeq: () => ++puts,
    mark: () => puts,
    isPending: () => false,
    admitted: () => {},
    cameBack: () => {},
  });
  const heads = new Map<EntryId, Head>();
  let names = 0;
  const hear = (changes: Parameters<typeof anEntry>[1] = {}): Head => {
    const head = headOf(anEntry(`${names++}`, changes), { bytes: 100, version: 0, writer: 'other' });
    arrivals.heard(head, vec8);
    heads.set(head.id, head);
    return head;
  };
  const known = () => new Set(Array.from({ length: shelf.directory.size }, (_, row) => shelf.directory.idAt(row)));
  return { random, shelf, arrivals, heads, hear, known };
}

describe('what comes in from other gateways', () => {
  it('is compared in slices: what goes and comes between two of them is told apart from what Redis lacks', async () => {
    for (let round = 0; round < 10; round++) {
      const { random, shelf, arrivals, heads, hear, known } = open();
      for (let i = 0; i < 1_000; i++) hear();
      const comparison = arrivals.compare();
      const there = new Set<EntryId>();
      for (const head of heads.values()) {
        if (random.int(4) === 0) continue;
        there.add(head.id);
        arrivals.read(comparison, head, vec8);
      }
      const dropping = arrivals.dropUnseen(comparison, new TimeSlice(restless, 1));
      let turns = 0;
      let removed = 0;
      while ((await Promise.race([dropping.then(() => 'done'), nextTurn().then(() => 'a turn')])) !== 'done') {
        turns += 1;
        for (let i = 0; i < 20; i++) {
          const { id, key } = [...heads.values()][random.int(heads.size)]!;
          heads.delete(id);
          there.delete(id);
          if (!known().has(id)) continue;
          arrivals.heardRemoved('other', [{ id, key }]);
          removed += 1;
        }
        for (let i = 0; i < 20; i++) there.add(hear().id);
      }
      const gone = await dropping;
      arrivals.ended(comparison);
      assert.ok(turns > 5, `all of it in ${turns} turns`);
      assert.ok(gone > 0 && removed > 0);
      assert.deepEqual([...known()].sort(), [...there].sort());
      shelf.close();
    }
  });

  it('takes the place of what had its key, also when it has expired itself', () => {
    const { shelf, hear, known } = open();
    const key = exactKey('key-one');
    hear({ id: entryId('first'), exactKey: key });
    hear({ id: entryId('second'), exactKey: key });
    assert.deepEqual([...known()], ['second']);
    hear({ id: entryId('third'), exactKey: key, expiresAt: addMs(clock.now(), -1) });
    assert.deepEqual([...known()], []);
    shelf.close();
  });
});
