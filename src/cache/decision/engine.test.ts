import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../core/random.ts';
import { aCandidate, aRequest, anEngine, clock, teach } from '../../testing/decision-world.ts';
import { testRandom } from '../../testing/seeded-random.ts';
import { createDecisionEngine } from './engine.ts';
import { correctedShare } from './engine-status.ts';
import type { Decision, DecisionEngine, DecisionEvent } from './engine-types.ts';
import { textInputCount } from './inputs.ts';

const question = 'What is the capital of France?';
const reworded = "What's the capital of France";

describe('before anything is certified', () => {
  it('serves the near-duplicate class alone', () => {
    const engine = anEngine();
    const { kind, reason, state } = engine.decide({ text: reworded }, [aCandidate(question)]);
    assert.deepEqual({ kind, reason, state }, { kind: 'reuse', reason: 'near-duplicate', state: 'learning' });
    for (const other of [
      'What is the capital city of France?',
      'What is the capital of Germany?',
      'What was the capital of France?',
      'Where is the capital of France?',
    ]) {
      assert.equal(engine.decide({ text: reworded }, [aCandidate(other, 0.99)]).kind, 'ask', other);
    }
  });

  it('serves nothing in strict mode, when told so, or at targets that the class cannot be trusted to meet', () => {
    for (const options of [{ mode: 'strict' }, { coldStart: 'nothing' }, { target: 0.02 }] as const) {
      const engine = anEngine(options);
      const decision = engine.decide({ text: reworded }, [aCandidate(question)]);
      assert.equal(decision.kind, 'ask');
      assert.equal(decision.reason, 'closed');
    }
  });

  it('says how many audits are missing', () => {
    const status = anEngine().status();
    assert.equal(status.state, 'learning');
    assert.deepEqual(status.missing, { atLeast: 59, estimate: undefined });
    assert.match(status.summary, /at least 59 more audits until 5 %/);
  });

  it('asks for a label of every miss that has a candidate, and of no other', () => {
    const engine = anEngine();
    const miss = engine.decide({ text: 'How do I bake bread?' }, [
      aCandidate('How do I bake bread at home for guests?'),
    ]);
    assert.deepEqual(miss.audit, { wanted: true, probability: 1 });
    const nothing = engine.decide({ text: 'How do I bake bread?' }, []);
    assert.equal(nothing.reason, 'no-candidate');
    assert.deepEqual(nothing.audit, { wanted: false, probability: 1 });
    assert.equal(nothing.sample, undefined);
  });

  it('names the guard that refused a candidate, and tries the next one', () => {
    const engine = anEngine();
    const decision = engine.decide({ text: 'How do I open 3 files?' }, [
      aCandidate('How do I open 5 files?', 0.98),
      aCandidate('How do I open 3 files', 0.95),
    ]);
    assert.deepEqual(decision.judged[0]!.refusedBy, ['number']);
    assert.equal(decision.chosen!.candidate.text, 'How do I open 3 files');
    assert.equal(decision.kind, 'reuse');
    const refused = engine.decide({ text: 'How do I open 3 files?' }, [aCandidate('How do I open 5 files?', 0.98)]);
    assert.equal(refused.reason, 'refused');
  });
});

describe('learning', () => {
  it('opens once audits certify a cut, serves rewordings above it, and keeps the target', () => {
    const engine = anEngine({ target: 0.05, coldStart: 'nothing' });
    const events: DecisionEvent[] = [];
    engine.onEvent((event) => events.push(event));
    const { hits, wrong } = teach(engine, 1_500, testRandom('learning'));
    const status = engine.status();
    assert.equal(status.state, 'certified', status.summary);
    assert.ok(events.some(({ kind }) => kind === 'certificate-opened'));
    assert.ok(hits > 250, `${hits} hits`);
    assert.ok(wrong / hits <= 0.05, `${wrong} of ${hits} hits were wrong`);
    const hit = engine.decide({ text: 'is there a way to renew my visa at the kiosk' }, [
      aCandidate('how can i renew my visa at the kiosk', 0.93),
    ]);
    assert.equal(hit.reason, 'certified');
    assert.ok(hit.chosen!.probability! >= hit.cut!);
  });

  it('says at which targets a decision would have been a hit', () => {
    const engine = anEngine({ target: 0.01, coldStart: 'nothing' });
    teach(engine, 500, testRandom('counterfactual'));
    const { atTargets, chosen } = engine.preview({ text: 'how can i print my refund at the museum' }, [
      aCandidate('what should i do to print my refund at the museum', 0.95),
    ]);
    assert.deepEqual(
      atTargets.map(({ target }) => target),
      [0.01, 0.02, 0.05, 0.1, 0.2],
    );
    for (const { cut, hit } of atTargets) assert.equal(hit, cut !== undefined && chosen!.probability! >= cut);
    assert.ok(atTargets.at(-1)!.hit);
  });

  it('does the same twice', () => {
    const run = () => {
      const engine = anEngine({}, 'embedder-1', 7);
      teach(engine, 400, seededRandom(3));
      return JSON.stringify(engine.export());
    };
    assert.equal(run(), run());
  });

  it('previews without counting', () => {
    const engine = anEngine();
    engine.preview({ text: reworded }, [aCandidate(question)]);
    const { requests, hits } = engine.status();
    assert.deepEqual({ requests, hits }, { requests: 0, hits: 0 });
  });

  it('audits a tenth of the first hits and a fiftieth of later ones, and says so in the sample', () => {
    const engine = anEngine({ auditedFirst: 2_000 });
    const audits = [0, 0];
    for (let i = 0; i < 12_000; i++) {
      const { audit, sample } = engine.decide({ text: reworded }, [aCandidate(question)]);
      assert.equal(sample!.auditProbability, i < 2_000 ? 0.1 : 0.02);
      if (audit.wanted) audits[i < 2_000 ? 0 : 1]! += 1;
    }
    assert.ok(Math.abs(audits[0]! - 200) < 60 && Math.abs(audits[1]! - 200) < 60, audits.join());
  });

  it('works in slices, and takes labels that come in between', () => {
    const engine = anEngine({ coldStart: 'nothing', refitEvery: 1_000 });
    const random = seededRandom(5);
    for (let i = 0; i < 1_000; i++) {
      const { text, candidate, right } = aRequest(random);
      const { sample } = engine.decide({ text }, [{ ...candidate, entryId: `${i}` }]);
      engine.label({ sample: sample!, right, source: 'audit' });
    }
    // Time stands still between the slices: a budget of nothing does one slice.
    let slices = 0;
    let extra: Decision | undefined;
    while (engine.tick(0)) {
      slices += 1;
      if (slices !== 5) continue;
      extra = engine.decide({ text: 'how can i renew my visa' }, [aCandidate('how can i renew my visa from abroad')]);
      assert.equal(engine.label({ sample: extra.sample!, right: false, source: 'audit' }), true);
    }
    assert.ok(slices > 20, `${slices} slices`);
    const { labels, labelsSinceFit } = engine.status();
    assert.deepEqual({ labels, labelsSinceFit }, { labels: 1_001, labelsSinceFit: 1 });
  });

  it('gives a group its own certificate once it has labels of its own, and others a margin', () => {
    const engine = anEngine({ target: 0.1, coldStart: 'nothing', groupLabelsMin: 100 });
    const random = seededRandom(11);
    for (let i = 0; i < 1_600; i++) {
      const { text, candidate, right } = aRequest(random);
      const isSmall = i % 15 === 0;
      const decision = engine.decide({ text, group: isSmall ? 'small' : 'large' }, [{ ...candidate, entryId: `${i}` }]);
      // In the small group nothing is ever right, and that group alone must pay for it.
      const sample = { ...decision.sample!, served: false };
      engine.label({ sample, right: isSmall ? false : right, source: 'audit' });
      while (engine.tick(Infinity));
    }
    const status = engine.status();
    const groups = Object.fromEntries(status.groups.map(({ group, cut }) => [group, cut]));
    assert.deepEqual(Object.keys(groups).sort(), ['large', 'small']);
    assert.ok(groups['large'] !== undefined, 'the large group is certified');
    assert.equal(groups['small'], undefined);
    const small = engine.preview({ text: reworded, group: 'small' }, []);
    assert.equal(small.cut, undefined);
    const stranger = engine.preview({ text: reworded, group: 'new' }, []);
    assert.ok(stranger.cut! > status.cut!, `${stranger.cut} for strangers, ${status.cut} for all`);
  });
});

describe('when something goes wrong', () => {
  const wrongHit = (engine: DecisionEngine, entryId = 'e1') =>
    engine.decide({ text: reworded }, [aCandidate(question, 0.95, entryId)]);

  it('closes when audited hits are worse than the target, says so, and forgets what certified them', () => {
    const engine = anEngine({ coldStart: 'nothing' });
    teach(engine, 1_000, seededRandom(2));
    assert.equal(engine.status().state, 'certified');
    const events: DecisionEvent[] = [];
    engine.onEvent((event) => events.push(event));
    const random = seededRandom(4);
    for (let i = 0; i < 200 && !engine.status().breaker.open; i++) {
      const { text, candidate } = aRequest(random);
      const decision = engine.decide({ text }, [{ ...candidate, entryId: `drift-${i}` }]);
      if (decision.kind === 'reuse') engine.label({ sample: decision.sample!, right: false, source: 'audit' });
    }
    assert.equal(engine.status().breaker.open, true);
    assert.ok(events.some(({ kind }) => kind === 'breaker-fired'));
    assert.equal(wrongHit(engine).kind, 'ask');
    assert.equal(engine.status().state, 'closed');
    // Labels from before the drift are enough for a certificate, and must not reopen it.
    for (let i = 0; i < 60; i++) {
      const { text, candidate } = aRequest(random);
      const decision = engine.decide({ text }, [{ ...candidate, entryId: `after-${i}` }]);
      engine.label({ sample: decision.sample!, right: false, source: 'audit' });
      while (engine.tick(Infinity));
    }
    assert.equal(engine.status().breaker.open, true);
    // The world is well again: new labels do.
    teach(engine, 1_500, seededRandom(6));
    assert.equal(engine.status().state, 'certified', engine.status().summary);
  });

  it('quarantines an entry with two wrong labels and no more right ones', () => {
    const engine = anEngine();
    const label = (right: boolean) => {
      const { sample } = wrongHit(engine);
      return engine.label({ sample: sample!, right, source: 'audit' });
    };
    label(false);
    assert.equal(wrongHit(engine).kind, 'reuse');
    label(true);
    label(false);
    const decision = wrongHit(engine);
    assert.equal(decision.kind, 'ask');
    assert.deepEqual(decision.judged[0]!.refusedBy, ['quarantined']);
    assert.equal(engine.status().quarantined, 1);
    engine.absolve('e1');
    assert.equal(wrongHit(engine).kind, 'reuse');
  });

  it('quarantines at once by a thumbs-down, and remembers the pair', () => {
    const engine = anEngine();
    const { sample } = wrongHit(engine);
    engine.label({ sample: sample!, right: false, source: 'thumbs-down' });
    assert.deepEqual(wrongHit(engine).judged[0]!.refusedBy, ['quarantined', 'denied-pair']);
    engine.absolve('e1');
    assert.deepEqual(wrongHit(engine).judged[0]!.refusedBy, ['denied-pair']);
    const other = engine.decide({ text: 'what is the capital of france' }, [aCandidate(question, 0.95, 'e1')]);
    assert.equal(other.kind, 'reuse');
  });

  it('does not let signals of users certify anything', () => {
    const engine = anEngine({ coldStart: 'nothing' });
    const random = seededRandom(9);
    for (let i = 0; i < 600; i++) {
      const { text, candidate, right } = aRequest(random);
      const { sample } = engine.decide({ text }, [candidate]);
      engine.label({ sample: sample!, right, source: 'user', weight: 0.5 });
      while (engine.tick(Infinity));
    }
    assert.equal(engine.status().cut, undefined);
  });

  it('takes no label of another embedder', () => {
    const { sample } = anEngine({}, 'embedder-2').decide({ text: reworded }, [aCandidate(question)]);
    assert.equal(anEngine().label({ sample: sample!, right: true, source: 'audit' }), false);
  });

  it('names an option that makes no sense', () => {
    assert.throws(() => anEngine({ target: 0 }), /target is 0; expected a number in \[0.001, 0.5\]/);
    assert.throws(() => anEngine({ labelNoise: { wrongWhenRight: 0.6, rightWhenWrong: 0.4 } }), /labels say nothing/);
  });

  it('corrects the share that it reports for a judge that errs', () => {
    assert.ok(Math.abs(correctedShare(0.05, { wrongWhenRight: 0.03, rightWhenWrong: 0 }) - 0.0206) < 1e-4);
    assert.equal(correctedShare(0.02, { wrongWhenRight: 0.03, rightWhenWrong: 0.1 }), 0);
  });
});

describe('inputs', () => {
  it('that are left out of a measurement say nothing', () => {
    const engine = createDecisionEngine({
      embeddingModelId: 'e',
      clock,
      random: seededRandom(1),
      inputs: ['similarity', 'log-distance'],
    });
    const { chosen } = engine.decide({ text: question }, [
      aCandidate('What is the capital of France in winter or during hot summers?', 0.6),
    ]);
    assert.ok(chosen!.inputs!.slice(2, textInputCount).every((value) => value === 0));
    assert.throws(
      () => createDecisionEngine({ embeddingModelId: 'e', clock, random: seededRandom(1), inputs: ['nonsense'] }),
      /"nonsense" is no input/,
    );
  });
});
