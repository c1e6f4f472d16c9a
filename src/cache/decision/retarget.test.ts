import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aCandidate, anEngine, teach } from '../../testing/decision-world.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import type { DecisionEngine } from './engine-types.ts';

const question = { text: 'how can i print my refund at the museum' };
const candidates = [aCandidate('what should i do to print my refund at the museum', 0.95)];
const taught = (target: number): DecisionEngine => {
  const engine = anEngine({ target, coldStart: 'nothing' });
  teach(engine, 800, testRandom('retarget'));
  return engine;
};
const counted = (engine: DecisionEngine): DecisionEngine => {
  while (engine.tick(Infinity));
  return engine;
};

describe('another target at run time', () => {
  it('comes to what an engine with that target makes of the same labels', () => {
    for (const target of [0.02, 0.07]) {
      const engine = taught(0.2);
      const fresh = anEngine({ target, coldStart: 'nothing' });
      fresh.import(engine.export());
      engine.retarget(target);
      const [ours, theirs] = [counted(engine), counted(fresh)].map((each) => each.status());
      assert.equal(ours!.target, target);
      assert.deepEqual(
        [ours!.cut, ours!.state, ours!.certificates],
        [theirs!.cut, theirs!.state, theirs!.certificates],
      );
    }
  });

  it('holds at once where it was counted all along, and serves less where less is allowed', () => {
    const engine = taught(0.2);
    const before = engine.preview(question, candidates);
    const strict = before.atTargets.find(({ target }) => target === 0.01)!;
    engine.retarget(0.01);
    const after = engine.preview(question, candidates);
    assert.equal(after.cut, strict.cut);
    assert.ok(before.cut !== undefined && (after.cut === undefined || after.cut > before.cut));
    assert.equal(engine.status().target, 0.01);
  });

  it('certifies nothing for a target that nobody has counted, until the labels are counted again', () => {
    const engine = taught(0.1);
    assert.equal(engine.preview(question, candidates).reason, 'certified');
    engine.retarget(0.15);
    assert.equal(engine.preview(question, candidates).cut, undefined);
    assert.notEqual(counted(engine).preview(question, candidates).cut, undefined);
  });

  it('keeps labels that come while it counts, and refuses what is no share', () => {
    const engine = taught(0.1);
    const { labels } = engine.status();
    engine.retarget(0.12);
    const { sample } = engine.decide(question, candidates);
    assert.equal(engine.label({ sample: sample!, right: true, source: 'audit' }), true);
    assert.equal(counted(engine).status().labels, labels + 1);
    assert.throws(() => engine.retarget(0), /target/);
    assert.equal(engine.status().target, 0.12);
  });
});
