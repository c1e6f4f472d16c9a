import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { entryId, exactKey, modelName, tenantId, type EntryId } from '../../../core/ids.ts';
import { addMs } from '../../../core/units.ts';
import { silentLogger } from '../../../telemetry/logger.ts';
import { FakeClock } from '../../../testing/fake-clock.ts';
import { testRandom } from '../../../testing/seeded-random.ts';
import { Shelf } from '../shelf.ts';
import { Arrivals } from './arrivals.ts';
import { Generations } from './generations.ts';
import { recordOfHead, type Head } from './head-codec.ts';

const key = exactKey('key');
const none = Buffer.alloc(0);

/** What one gateway knows, of two that write under one key. */
function aGateway(me: string) {
  const clock = new FakeClock();
  const cameBack: EntryId[] = [];
  let seq = 0;
  const nextSeq = () => ++seq;
  const shelf = new Shelf({
    clock,
    random: testRandom('arrivals'),
    logger: silentLogger,
    limits: { entriesMax: 10, bytesMax: 1e6 },
    dropped: () => undefined,
  });
  const arrivals = new Arrivals({
    me,
    clock,
    shelf,
    generations: new Generations(),
    nextSeq,
    mark: () => seq,
    isPending: () => false,
    admitted: () => undefined,
    cameBack: (_, id) => void cameBack.push(id),
  });
  const head = (id: string, writer: string): Head => ({
    id: entryId(id),
    key,
    tenant: tenantId('acme'),
    model: modelName('m'),
    scope: undefined,
    embeddingModel: undefined,
    storedAt: clock.now(),
    expiresAt: addMs(clock.now(), 60_000),
    bytes: 100,
    gpuMs: 1,
    version: 0,
    writer,
  });
  return {
    /** As the store does it for an answer of its own. */
    put(id: string) {
      shelf.admit(recordOfHead(head(id, me), nextSeq()));
      arrivals.expect(key, entryId(id));
    },
    gaveUp: (id: string) => arrivals.gaveUp(key, entryId(id)),
    remove(id: string) {
      arrivals.forget(entryId(id));
      shelf.remove(entryId(id), 'manual');
    },
    hears: (id: string, writer: string) => arrivals.heard(head(id, writer), none),
    hearsRemoval: (id: string, writer: string) => arrivals.heardRemoved(writer, [{ id: entryId(id), key }]),
    knows: () => Array.from({ length: shelf.directory.size }, (_, row) => String(shelf.directory.idAt(row))),
    cameBack,
    close: () => shelf.close(),
  };
}

describe('what comes in from the log', () => {
  it('is the same in every gateway, also where a later answer of its own was never written', () => {
    const [a, b] = [aGateway('a'), aGateway('b')];
    // Redis holds back writes: two answers of b wait, of which the second is not sent yet.
    b.put('b-first');
    b.put('b-second');
    a.put('a-first');
    for (const gateway of [a, b]) gateway.hears('a-first', 'a');
    // Its second one has lost its place. Its first one was on its way.
    for (const gateway of [a, b]) gateway.hears('b-first', 'b');
    b.gaveUp('b-second');
    assert.deepEqual([a.knows(), b.knows()], [['b-first'], ['b-first']]);
    for (const gateway of [a, b]) gateway.close();
  });

  it('is the same where a later answer of its own was removed while its write was on its way', () => {
    const [a, b] = [aGateway('a'), aGateway('b')];
    b.put('b-first');
    b.put('b-second');
    for (const gateway of [a, b]) gateway.hears('b-first', 'b');
    b.remove('b-second');
    b.gaveUp('b-second');
    assert.deepEqual(b.knows(), ['b-first'], 'as far as it knows the second one was not written');
    for (const gateway of [a, b]) gateway.hears('b-second', 'b');
    for (const gateway of [a, b]) gateway.hearsRemoval('b-second', 'b');
    assert.deepEqual([a.knows(), b.knows()], [[], []]);
    for (const gateway of [a, b]) gateway.close();
  });

  it('says nothing of an earlier answer of its own while a later one is written', () => {
    const b = aGateway('b');
    b.put('b-first');
    b.put('b-second');
    b.hears('b-first', 'b');
    assert.deepEqual(b.knows(), ['b-second']);
    b.hears('b-second', 'b');
    assert.deepEqual(b.knows(), ['b-second']);
    b.close();
  });

  it('does not bring back what was removed here, by a late write or by a server that had not heard of it', () => {
    const a = aGateway('a');
    a.hears('water', 'b');
    a.remove('water');
    a.hears('water', 'b');
    assert.deepEqual([a.knows(), a.cameBack], [[], []], 'its removal is still on its way');
    a.hearsRemoval('water', 'a');
    a.hears('water', 'b');
    assert.deepEqual([a.knows(), a.cameBack], [[], ['water']]);
    a.put('water');
    a.hears('water', 'a');
    assert.deepEqual(a.knows(), ['water']);
    a.close();
  });
});
