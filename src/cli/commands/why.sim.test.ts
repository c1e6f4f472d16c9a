import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runCommand } from '../../../test/support/cli.ts';
import { aRecord, anEntry, startAdmin, type RunningAdmin } from '../../../test/support/running-admin.ts';
import type { RequestStory } from '../../admin/admin-types.ts';
import type { Feedback, TracedCandidate } from '../../cache/cache-types.ts';
import { entryId, requestId, tenantId } from '../../core/ids.ts';

const chosen: TracedCandidate = {
  entryId: entryId('entry-1'),
  text: 'How tall is the tower?',
  ageS: 90,
  similarity: 0.953,
  refusedBy: [],
  probability: 0.97,
  nearDuplicate: false,
};

async function withHit(
  use: (admin: RunningAdmin, run: (...words: string[]) => ReturnType<typeof runCommand>) => Promise<void>,
): Promise<void> {
  const admin = await startAdmin({ entries: [anEntry()] });
  admin.requests.add(
    aRecord({
      id: 'req_1',
      thinker: undefined,
      steps: {
        bypass: undefined,
        exact: 'miss',
        exactMs: 0.1,
        semantic: 'hit',
        semanticMs: 2,
        semanticReason: undefined,
        ageS: 90,
        answerOf: 'request-1',
        queuedMs: undefined,
        cold: undefined,
      },
    }),
  );
  admin.why.set('req_1', {
    requestId: requestId('req_1'),
    tenant: tenantId('local'),
    sample: undefined,
    trace: {
      policy: 'certified',
      text: 'What is the\nheight of the tower?',
      stages: { embed: 1.5 },
      candidates: [
        chosen,
        { ...chosen, entryId: entryId('e2'), text: 'x'.repeat(80), refusedBy: ['entity'], probability: undefined },
      ],
      chosen,
      state: 'certified',
      cut: 0.94,
      auditsMissing: undefined,
      atTargets: [{ target: 0.01, cut: 0.99, hit: false }],
    },
  });
  try {
    await use(admin, (...words) => runCommand([...words, '--admin-url', admin.url]));
  } finally {
    await admin.close();
  }
}

describe('why', () => {
  it('begins with the reason and ends with what can be said about it', () =>
    withHit(async (_, run) => {
      const { out } = await run('why', 'req_1');
      assert.match(out, /^A stored answer, made 1 min ago, was given: .* 97 %, and 94 % is enough\.\n\n/);
      assert.match(out, /^asked {5}What is the height of the tower\?$/m);
      assert.match(out, /^answer to How tall is the tower\?$/m);
      assert.match(out, /^entry {5}entry-1, first asked by request-1$/m);
      assert.match(out, /^similar requests {2}2\.0 ms +a stored answer to another wording$/m);
      assert.match(out, /^Certified by audits: a stored answer is served from a probability of 94 %\.$/m);
      assert.match(out, /^> {2}0\.953 +0\.970 +1 min {2}How tall is the tower\? +above the cut$/m);
      assert.match(out, /^ {3}0\.953 +1 min {2}x{59}… {2}refused: they are about different names$/m);
      assert.match(out, /^At a target of 1 % this would not be a hit \(cut 99 %\)\.$/m);
      assert.match(out, /\nWas it wrong\? llm-self-host feedback req_1 wrong\n$/);
    }));

  it('takes the last request when none is named, and tells scripts everything', () =>
    withHit(async (admin, run) => {
      const story = JSON.parse((await run('why', '--json')).out) as RequestStory;
      assert.equal(story.requestId, 'req_1');
      assert.equal(story.candidates.length, 2);
      admin.requests.add(aRecord({ id: 'req_2', cache: 'bypass', entryId: undefined }));
      const { out } = await run('why');
      assert.match(out, /^A thinker answered, and the cache was not asked/);
      assert.doesNotMatch(out, /Was it wrong/);
    }));

  it('says what is not known', async () => {
    await withHit((_, run) => assert.rejects(run('why', 'nobody'), /no request `nobody` among the last 1000/));
    const admin = await startAdmin();
    try {
      await assert.rejects(runCommand(['why', '--admin-url', admin.url]), /nothing was asked yet/);
    } finally {
      await admin.close();
    }
  });
});

describe('feedback', () => {
  it('passes the word on and tells what it did', () =>
    withHit(async (admin, run) => {
      const heard: Feedback[] = [];
      admin.feedback = (given) => {
        heard.push(given);
        return { kind: 'taken', effect: given.verdict === 'wrong' ? 'quarantined' : 'counted' };
      };
      assert.match((await run('feedback', 'req_1', 'wrong')).out, /^quarantined: the stored answer serves no other/);
      const { message, ...facts } = JSON.parse((await run('feedback', 'req_1', 'right', '--json')).out) as {
        message: string;
      };
      assert.match(message, /noted/);
      assert.deepEqual(facts, { requestId: 'req_1', verdict: 'right', effect: 'counted' });
      assert.deepEqual(
        heard.map(({ verdict }) => verdict),
        ['wrong', 'right'],
      );
    }));

  it('takes no other word, and repeats a refusal', () =>
    withHit(async (admin, run) => {
      const { code, err } = await run('feedback', 'req_1', 'bad');
      assert.equal(code, 1);
      assert.match(err, /Allowed choices are right, wrong/);
      admin.feedback = () => ({ kind: 'refused', reason: 'not-a-hit' });
      await assert.rejects(run('feedback', 'req_1', 'wrong'), /did not come from the cache/);
    }));
});
