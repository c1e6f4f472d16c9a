import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aCache, digest, never } from '../../../test/support/started-cache.ts';
import type { AnswerRequest } from '../../core/chat.ts';
import { requestId, tenantId } from '../../core/ids.ts';
import { seededRandom } from '../../core/random.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { createMetrics } from '../../telemetry/metrics.ts';
import { aChatRequest, anAnswer, anAsker } from '../../testing/builders.ts';
import { FakeCacheStore } from '../../testing/fake-cache-store.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import type { AnswerComparator, Comparison, ComparisonResult } from '../answer-comparator.ts';
import { createDecisionEngine } from '../decision/engine.ts';
import { createCertifiedPolicy } from '../hit-policy/certified.ts';
import type { IdleReply, IdleThinker } from '../idle-thinker.ts';
import { createLearner, type LearnerDeps } from './learner.ts';
import { openCaseLimits } from './open-cases.ts';

const random = seededRandom(1);
const answerSaying = (text: string) => ({ ...anAnswer(), text });

/** Says what it is told to, and remembers what it was asked. */
class FakeComparator implements AnswerComparator {
  readonly id = 'fake';
  readonly asked: Comparison[] = [];
  result: ComparisonResult = { verdict: 'same', by: 'rules' };
  async compare(comparison: Comparison): Promise<ComparisonResult> {
    this.asked.push(comparison);
    return this.result;
  }
}

class FakeIdleThinker implements IdleThinker {
  simulated = false;
  readonly asked: AnswerRequest[] = [];
  reply: IdleReply = { kind: 'answer', answer: answerSaying('fresh'), digest, simulated: false };
  async ask(request: AnswerRequest): Promise<IdleReply> {
    this.asked.push(request);
    return this.reply;
  }
}

interface Options {
  readonly audits?: 'auto' | 'always' | 'off';
  /** Share of hits that are audited. */
  readonly audited?: number;
  readonly judge?: AnswerComparator;
  readonly store?: FakeCacheStore;
}

async function aLearner({ audits = 'auto', audited = 1, judge, store }: Options = {}) {
  const clock = new FakeClock();
  const metrics = createMetrics();
  const engine = createDecisionEngine({
    embeddingModelId: 'fake-1',
    // What is learned from a decision is tested here, not what guards decide.
    guards: [],
    clock,
    // 1 draws every hit; at any other share chance draws none.
    random: { ...random, float: () => 0.999 },
    options: { auditFirst: audited, auditLater: audited },
  });
  const comparator = new FakeComparator();
  const thinker = new FakeIdleThinker();
  const deps: LearnerDeps = {
    engine,
    cascade: comparator,
    ...(judge && { judge: () => judge }),
    store: store ?? new FakeCacheStore(clock),
    clock,
    logger: silentLogger,
    metrics,
    options: { audits, strict: false },
  };
  const learner = createLearner(deps);
  await learner.load();
  learner.useThinker(thinker);
  const rig = await aCache({}, { policy: createCertifiedPolicy(engine), learner, clock, metrics });
  let asked = 0;
  /** One request from lookup to landing. */
  const ask = async (text: string, { fresh = 'Paris', simulated = false, tenant = 'local' } = {}) => {
    const request = aChatRequest({ text });
    const asker = anAsker({ requestId: requestId(`r${++asked}`), tenant: tenantId(tenant) });
    const plan = rig.plan(request, asker);
    const found = await rig.cache.semantic(plan, request, never);
    if (found.kind === 'miss') {
      rig.cache.keep(plan, answerSaying(fresh), {
        digest,
        requestId: asker.requestId,
        tenant: asker.tenant,
        simulated,
      });
    }
    await settled();
    return { found, requestId: asker.requestId, tenant: asker.tenant };
  };
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 4; i++) {
      await clock.advance(0);
      await new Promise(setImmediate);
    }
  };
  const counted = async (name: 'cacheLabels' | 'cacheAudits' | 'cacheAuditDrops') =>
    (await metrics[name].get()).values
      .filter(({ value }) => value > 0)
      .map(({ labels, value }) => `${Object.values(labels).join(' ')} ${value}`);
  return { clock, engine, comparator, thinker, learner, ask, settled, counted, cache: rig.cache, store: deps.store };
}

const stored = 'what is the capital of france';
const grey = 'tell me what the capital of france is called';
const nearDuplicate = 'what is the capital of france please';

describe('learner', () => {
  it('labels a miss that had a candidate when its fresh answer lands, for nothing but a comparison', async () => {
    const { ask, comparator, thinker, engine, counted } = await aLearner();
    await ask(stored, { fresh: 'Paris' });
    assert.equal(comparator.asked.length, 0);
    const { found } = await ask(grey, { fresh: 'It is Paris' });
    assert.equal(found.kind, 'miss');
    assert.deepEqual(
      comparator.asked.map(({ question, fresh, stored: old }) => [question, fresh, old]),
      [[grey, 'It is Paris', 'Paris']],
    );
    assert.deepEqual([engine.status().labels, thinker.asked.length], [1, 0]);
    assert.deepEqual(await counted('cacheLabels'), ['grey correct 1']);
  });

  it('audits the drawn hits on an idle thinker with the same request, and replaces nothing', async () => {
    const { ask, comparator, thinker, engine, counted, cache } = await aLearner();
    await ask(stored);
    const entries = cache.stats().entries;
    const { found } = await ask(nearDuplicate);
    assert.equal(found.kind, 'hit');
    assert.deepEqual(thinker.asked, [aChatRequest({ text: nearDuplicate })]);
    assert.deepEqual(
      comparator.asked.map(({ fresh, stored: old }) => [fresh, old]),
      [['fresh', 'Paris']],
    );
    assert.deepEqual([engine.status().falseHitShare.audited, cache.stats().entries], [1, entries]);
    assert.deepEqual(await counted('cacheAudits'), ['correct rules 1']);
  });

  it('audits no hit that was not drawn', async () => {
    const { ask, thinker } = await aLearner({ audited: 0.1 });
    await ask(stored);
    assert.equal((await ask(nearDuplicate)).found.kind, 'hit');
    assert.equal(thinker.asked.length, 0);
  });

  it('counts an audit that came to nothing, and takes no label from it', async () => {
    const { ask, thinker, engine, counted } = await aLearner();
    await ask(stored);
    const cut = { ...anAnswer(), end: { ...anAnswer().end, finishReason: 'length' as const } };
    const replies: readonly IdleReply[] = [
      { kind: 'dropped', reason: 'full' },
      { kind: 'dropped', reason: 'expired' },
      { kind: 'answer', answer: cut, digest, simulated: false },
      { kind: 'answer', answer: anAnswer(), digest: 'sha256:other', simulated: false },
    ];
    for (const reply of replies) {
      thinker.reply = reply;
      await ask(nearDuplicate);
    }
    assert.deepEqual(await counted('cacheAuditDrops'), ['full 1', 'expired 1', 'unfinished 1', 'model_changed 1']);
    assert.equal(engine.status().falseHitShare.audited, 0);
  });

  it('asks the judge about what the cascade cannot tell, and discards what nobody can', async () => {
    const judge = new FakeComparator();
    const { ask, comparator, engine, learner } = await aLearner({ judge });
    comparator.result = { verdict: 'unsure', by: 'embedding' };
    judge.result = { verdict: 'different', by: 'model' };
    await ask(stored);
    await ask(grey);
    assert.deepEqual([judge.asked.length, engine.status().labels], [1, 1]);
    judge.result = { verdict: 'unsure', by: 'model' };
    await ask('please say which town the capital of france is');
    assert.deepEqual([engine.status().labels, learner.status().audits.unsure], [1, 1]);
  });

  it('keeps what nobody could compare for a person, and learns from that word', async () => {
    const { ask, comparator, engine, learner, counted } = await aLearner();
    comparator.result = { verdict: 'unsure', by: 'embedding' };
    await ask(stored, { fresh: 'Paris' });
    await ask(grey, { fresh: 'The town on the Seine' });
    await ask(nearDuplicate);
    const [hit, miss] = learner.openCases();
    assert.deepEqual(
      [hit!, miss!].map(({ served, question, storedQuestion, stored: old, fresh }) => [
        served,
        question,
        storedQuestion,
        old,
        fresh,
      ]),
      [
        [true, nearDuplicate, stored, 'Paris', 'fresh'],
        [false, grey, stored, 'Paris', 'The town on the Seine'],
      ],
    );
    assert.equal(engine.status().labels, 0);
    assert.ok(learner.decideCase(miss!.id, 'correct'));
    assert.ok(learner.decideCase(hit!.id, 'wrong'));
    assert.ok(!learner.decideCase(hit!.id, 'correct'), 'a case is settled once');
    const { labels, falseHitShare, quarantined } = engine.status();
    assert.deepEqual([labels, falseHitShare.wrong, falseHitShare.audited, quarantined], [2, 1, 1, 1]);
    assert.deepEqual(await counted('cacheAudits'), ['wrong human 1', 'unsure embedding 1']);
    assert.deepEqual(learner.openCases(), []);
  });

  it('keeps a bounded number of open cases, the newest', async () => {
    const { ask, comparator, learner } = await aLearner();
    comparator.result = { verdict: 'unsure', by: 'embedding' };
    await ask(stored);
    for (let i = 0; i < openCaseLimits.casesMax + 3; i++) await ask(`${grey} ${i}`);
    const open = learner.openCases();
    assert.equal(open.length, openCaseLimits.casesMax);
    assert.match(open[0]!.question, / 102$/);
    assert.ok(learner.decideCase(open[0]!.id, 'unsure'));
  });

  it('learns nothing from a simulated thinker unless told to, and says why', async () => {
    const auto = await aLearner();
    auto.thinker.simulated = true;
    await auto.ask(stored, { simulated: true });
    await auto.ask(grey, { simulated: true });
    await auto.ask(nearDuplicate, { simulated: true });
    assert.deepEqual([auto.comparator.asked.length, auto.thinker.asked.length], [0, 0]);
    assert.match(auto.learner.status().audits.why, /simulated/);
    const always = await aLearner({ audits: 'always' });
    always.thinker.simulated = true;
    await always.ask(stored, { simulated: true });
    await always.ask(grey, { simulated: true });
    assert.equal(always.comparator.asked.length, 1);
    const off = await aLearner({ audits: 'off' });
    await off.ask(stored);
    await off.ask(grey);
    await off.ask(nearDuplicate);
    assert.deepEqual([off.comparator.asked.length, off.thinker.asked.length], [0, 0]);
  });

  it('keeps what it learned over a restart', async () => {
    const first = await aLearner();
    await first.ask(stored);
    await first.ask(grey);
    await first.learner.close();
    const second = await aLearner({ store: first.store as FakeCacheStore });
    assert.equal(second.engine.status().labels, 1);
  });

  it('starts anew from a state it cannot read', async () => {
    const first = await aLearner();
    await first.ask(stored);
    await first.ask(grey);
    await first.learner.close();
    await first.store.putMeta('decision.head', 'broken');
    assert.equal((await aLearner({ store: first.store as FakeCacheStore })).engine.status().labels, 0);
  });

  it('says how many audits are missing, ready to be read by each lookup', async () => {
    const { ask, learner } = await aLearner();
    const { found } = await ask(stored);
    assert.ok(found.kind === 'miss' && /^learning; audits-missing=\d+$/.test(found.note!), JSON.stringify(found));
    assert.equal(learner.standing.note, found.note);
  });

  it('takes a question asked again soon after its hit as a word against the hit, once', async () => {
    const { ask, counted, clock } = await aLearner({ audited: 0.1 });
    await ask(stored);
    await ask(nearDuplicate);
    assert.deepEqual(await counted('cacheLabels'), []);
    await clock.advance(30_000);
    await ask(nearDuplicate);
    await ask(nearDuplicate);
    assert.deepEqual(await counted('cacheLabels'), ['user wrong 1']);
  });

  it('takes a `no-cache` retry of a hit as a word against it', async () => {
    const { ask, counted, cache } = await aLearner({ audited: 0.1 });
    await ask(stored);
    await ask(nearDuplicate);
    cache.plan(aChatRequest({ text: nearDuplicate }), anAsker({ cache: { mode: 'no-cache' } }), digest);
    assert.deepEqual(await counted('cacheLabels'), ['user wrong 1']);
  });
});

describe('feedback', () => {
  it('quarantines a disputed entry at once: it answers its own question, and no other wording', async () => {
    const { ask, cache, engine } = await aLearner({ audited: 0.1 });
    await ask(stored);
    const hit = await ask(nearDuplicate);
    assert.equal(hit.found.kind, 'hit');
    const result = cache.feedback({ requestId: hit.requestId, tenant: hit.tenant, verdict: 'wrong' });
    assert.deepEqual(result, { kind: 'taken', effect: 'quarantined' });
    assert.equal(engine.status().quarantined, 1);
    assert.equal((await ask('please what is the capital of france')).found.kind, 'miss');
    const request = aChatRequest({ text: stored });
    const plan = cache.plan(request, anAsker(), digest);
    assert.ok(plan.kind === 'cacheable');
    assert.equal((await cache.exact(plan, request, never)).kind, 'hit');
  });

  it('takes a thumb up as a small label', async () => {
    const { ask, cache, engine } = await aLearner({ audited: 0.1 });
    await ask(stored);
    const { requestId: id } = await ask(nearDuplicate);
    assert.deepEqual(cache.feedback({ requestId: id, verdict: 'right' }), { kind: 'taken', effect: 'counted' });
    assert.deepEqual([engine.status().labels, engine.status().quarantined], [1, 0]);
  });

  it('refuses other tenants, misses, unknown requests, and a second word within the hour', async () => {
    const { ask, cache, clock } = await aLearner({ audited: 0.1 });
    const miss = await ask(stored);
    const hit = await ask(nearDuplicate);
    const say = (id: string, tenant = 'local') => {
      const result = cache.feedback({ requestId: requestId(id), tenant: tenantId(tenant), verdict: 'right' });
      return result.kind === 'refused' ? result.reason : result.effect;
    };
    assert.equal(say('r99'), 'unknown-request');
    assert.equal(say(miss.requestId), 'not-a-hit');
    assert.equal(say(hit.requestId, 'mallory'), 'other-tenant');
    assert.equal(say(hit.requestId), 'counted');
    assert.equal(say(hit.requestId), 'too-often');
    await clock.advance(3_600_000);
    assert.equal(say(hit.requestId), 'counted');
  });

  it('has the neighbours of a disputed entry audited when they are next served, without certifying by that', async () => {
    const { ask, cache, thinker, engine } = await aLearner({ audited: 0.1 });
    await ask(stored, { fresh: 'Paris' });
    await ask('what is the capital of spain', { fresh: 'Madrid' });
    const hit = await ask(nearDuplicate);
    cache.feedback({ requestId: hit.requestId, verdict: 'wrong' });
    assert.equal(thinker.asked.length, 0);
    const spain = await ask('what is the capital of spain please');
    assert.equal(spain.found.kind, 'hit');
    assert.equal(thinker.asked.length, 1);
    assert.equal(engine.status().falseHitShare.audited, 0);
    await ask('please what is the capital of spain');
    assert.equal(thinker.asked.length, 1);
  });
});

describe('trace', () => {
  it('tells stages, candidates with their inputs, the choice and what is missing, for hits and misses', async () => {
    const { ask, cache } = await aLearner({ audited: 0.1 });
    await ask(stored);
    const hit = await ask(nearDuplicate);
    const why = cache.why(hit.requestId);
    assert.deepEqual(Object.keys(why!.trace.stages), ['embed', 'search', 'fetch', 'verify']);
    assert.deepEqual(
      [why!.trace.state, why!.trace.chosen?.text, why!.trace.chosen?.nearDuplicate],
      ['learning', stored, true],
    );
    assert.ok(why!.trace.auditsMissing! > 0 && why!.trace.atTargets.length > 0);
    assert.ok(Object.keys(why!.trace.chosen!.inputs!).length > 20);
    assert.ok(!JSON.stringify(why).includes('"text":"Paris"'), 'a trace keeps no answers');
    const miss = await ask(grey);
    assert.ok(miss.found.kind === 'miss' && miss.found.trace?.chosen?.probability !== undefined);
  });
});
