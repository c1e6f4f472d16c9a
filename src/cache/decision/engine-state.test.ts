import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../core/random.ts';
import { aCandidate, aRequest, anEngine, teach } from '../../testing/decision-world.ts';

const question = 'What is the capital of France?';
const reworded = "What's the capital of France";

describe('a restart', () => {
  it('keeps labels, weights, certificate and quarantines, and decides as before', () => {
    const engine = anEngine({ target: 0.1 });
    teach(engine, 700, seededRandom(21));
    engine.quarantine('bad');
    const saved: unknown = JSON.parse(JSON.stringify(engine.export()));
    const restarted = anEngine({ target: 0.1 });
    const report = restarted.import(saved);
    assert.equal(report.dropped, undefined);
    assert.equal(report.labels, engine.status().labels);
    while (restarted.tick(Infinity));
    assert.equal(restarted.status().state, 'certified');
    assert.equal(restarted.status().requests, engine.status().requests);
    assert.equal(restarted.decide({ text: reworded }, [aCandidate(question, 0.9, 'bad')]).kind, 'ask');
    const random = seededRandom(22);
    for (let i = 0; i < 50; i++) {
      const { text, candidate } = aRequest(random);
      const before = engine.preview({ text }, [candidate]).chosen!.probability!;
      const after = restarted.preview({ text }, [candidate]).chosen!.probability!;
      // The restarted one has fitted the labels that came since the last fit as well.
      assert.ok(Math.abs(before - after) < 0.2, `${before} and ${after}`);
    }
  });

  it('drops labels of another embedder, and keeps who is quarantined', () => {
    const engine = anEngine();
    teach(engine, 200, seededRandom(1));
    engine.quarantine('bad');
    const other = anEngine({}, 'embedder-2');
    const report = other.import(JSON.parse(JSON.stringify(engine.export())));
    assert.equal(report.labels, 0);
    assert.match(report.dropped!, /embedder-1.*embedder-2/s);
    assert.equal(other.status().quarantined, engine.status().quarantined);
    assert.equal(other.decide({ text: reworded }, [aCandidate(question, 0.9, 'bad')]).kind, 'ask');
  });

  it('refuses a damaged state and works on', () => {
    const engine = anEngine();
    teach(engine, 100, seededRandom(1));
    const saved = JSON.parse(JSON.stringify(engine.export())) as { labels: { inputs: string }; weights: unknown[] };
    for (const damage of [
      null,
      'text',
      { version: 99 },
      { ...saved, weights: ['x'] },
      { ...saved, labels: { ...saved.labels, inputs: saved.labels.inputs.slice(8) } },
      { ...saved, entries: undefined },
    ]) {
      const fresh = anEngine();
      assert.equal(fresh.import(damage).labels, 0);
      assert.ok(fresh.import(damage).dropped !== undefined);
      assert.equal(fresh.decide({ text: reworded }, [aCandidate(question)]).kind, 'reuse');
    }
  });

  it('keeps at most the newest labels', () => {
    const engine = anEngine({ labelsMax: 300, coldStart: 'nothing' });
    teach(engine, 900, seededRandom(8));
    assert.equal(engine.status().labels, 300);
    const restarted = anEngine({ labelsMax: 300, coldStart: 'nothing' });
    assert.equal(restarted.import(JSON.parse(JSON.stringify(engine.export()))).labels, 300);
  });
});
