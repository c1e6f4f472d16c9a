import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aRecord, anEntry, startAdmin, type RunningAdmin } from '../../test/support/running-admin.ts';
import type { Feedback, FeedbackResult, LookupTrace, TracedCandidate } from '../cache/cache-types.ts';
import { entryId, requestId, tenantId } from '../core/ids.ts';
import type { RequestSteps } from '../telemetry/request-log.ts';
import type { FeedbackReply, RequestStory } from './admin-types.ts';

const noSteps: RequestSteps = {
  bypass: undefined,
  exact: undefined,
  exactMs: undefined,
  semantic: undefined,
  semanticMs: undefined,
  semanticReason: undefined,
  ageS: undefined,
  answerOf: undefined,
  queuedMs: undefined,
  cold: undefined,
};

const candidate = (overrides: Partial<TracedCandidate> = {}): TracedCandidate => ({
  entryId: entryId('entry-1'),
  text: 'How tall is the tower?',
  ageS: 60,
  similarity: 0.953,
  refusedBy: [],
  probability: 0.97,
  nearDuplicate: false,
  inputs: { cosine: 0.953 },
  ...overrides,
});

const aTrace = (overrides: Partial<LookupTrace> = {}): LookupTrace => ({
  policy: 'certified',
  text: 'What is the height of the tower?',
  stages: { embed: 1.5, search: 0.2, verify: 0.1 },
  candidates: [candidate()],
  chosen: candidate(),
  state: 'certified',
  cut: 0.94,
  auditsMissing: undefined,
  atTargets: [
    { target: 0.01, cut: undefined, hit: false },
    { target: 0.02, cut: undefined, hit: false },
    { target: 0.05, cut: 0.94, hit: true },
  ],
  ...overrides,
});

function remember(admin: RunningAdmin, id: string, trace: LookupTrace): void {
  admin.why.set(id, { requestId: requestId(id), tenant: tenantId('local'), trace, sample: undefined });
}

async function withAdmin(use: (admin: RunningAdmin) => Promise<void>, entries = [anEntry()]): Promise<void> {
  const admin = await startAdmin({ entries });
  try {
    await use(admin);
  } finally {
    await admin.close();
  }
}

const why = async (admin: RunningAdmin, id: string): Promise<RequestStory> =>
  (await (await fetch(`${admin.url}/api/requests/${id}/why`)).json()) as RequestStory;

describe('why', () => {
  it('tells a semantic hit whole: stages, candidates, cut, other targets and the entry served', () =>
    withAdmin(async (admin) => {
      const steps = { ...noSteps, exact: 'miss', exactMs: 0.1, semantic: 'hit', semanticMs: 2, ageS: 60 } as const;
      admin.requests.add(aRecord({ id: 'req_1', steps: { ...steps, answerOf: 'request-1' }, thinker: undefined }));
      const refused = candidate({
        entryId: entryId('entry-2'),
        text: 'How wide is the tower?',
        refusedBy: ['content', 'denied-pair'],
        probability: undefined,
      });
      remember(admin, 'req_1', aTrace({ candidates: [candidate(), refused] }));
      const story = await why(admin, 'req_1');
      assert.equal(
        story.because,
        'A stored answer, made 1 min ago, was given: it is right for this question with probability 97 %, and 94 % is enough.',
      );
      assert.deepEqual(
        story.steps.map(({ name, ms }) => [name, ms]),
        [
          ['same request', 0.1],
          ['similar requests', 2],
          ['· embed', 1.5],
          ['· search', 0.2],
          ['· verify', 0.1],
          ['first token', 3],
          ['whole request', 12.3],
        ],
      );
      assert.equal(story.question, 'What is the height of the tower?');
      assert.deepEqual(
        story.candidates.map(({ text, chosen, says, inputs }) => ({ text, chosen, says, inputs })),
        [
          { text: 'How tall is the tower?', chosen: true, says: 'above the cut', inputs: { cosine: 0.953 } },
          {
            text: 'How wide is the tower?',
            chosen: false,
            says: 'refused: the words that carry the content differ; a person said that these two are different questions',
            inputs: { cosine: 0.953 },
          },
        ],
      );
      assert.deepEqual(story.otherTargets, [
        'At a target of 1 % or 2 % nothing is certified yet.',
        'At a target of 5 % this would be a hit (cut 94 %).',
      ]);
      assert.deepEqual(story.served, {
        entryId: 'entry-1',
        ageS: 60,
        askedBy: 'request-1',
        question: 'How tall is the tower?',
        stillStored: true,
      });
      assert.equal(story.canBeJudged, true);
    }));

  it('tells an exact hit from what is stored, also when the entry has gone since', () =>
    withAdmin(async (admin) => {
      const exact = { cache: 'exact', similarity: 1, thinker: undefined } as const;
      const steps = { ...noSteps, exact: 'hit', exactMs: 0.05, ageS: 7200, answerOf: 'request-1' } as const;
      admin.requests.add(aRecord({ id: 'req_1', ...exact, steps }));
      admin.requests.add(aRecord({ id: 'req_2', ...exact, steps, entryId: 'gone' }));
      const story = await why(admin, 'req_1');
      assert.equal(story.because, 'The same request was answered 2 h ago, and that answer was given again.');
      assert.equal(story.question, 'How tall is the tower?');
      assert.equal(story.decision, undefined);
      const gone = await why(admin, 'req_2');
      assert.deepEqual(gone.served, { entryId: 'gone', ageS: 7200, askedBy: 'request-1', stillStored: false });
    }));

  it('tells who joined a running answer what its leader saw', () =>
    withAdmin(async (admin) => {
      const steps = { ...noSteps, exact: 'miss', answerOf: 'req_1' } as const;
      admin.requests.add(aRecord({ id: 'req_2', cache: 'coalesced', entryId: undefined, steps }));
      remember(admin, 'req_1', aTrace());
      const story = await why(admin, 'req_2');
      assert.match(story.because, /was being answered at that moment/);
      assert.match(story.steps[1]!.says, /for req_1; joined it/);
      assert.equal(story.candidates.length, 1);
      assert.equal(story.canBeJudged, false);
    }));

  it('tells who joined the answer to a similar question so, with its own lookup', () =>
    withAdmin(async (admin) => {
      const steps = { ...noSteps, exact: 'miss', semantic: 'miss', answerOf: 'req_1' } as const;
      admin.requests.add(aRecord({ id: 'req_2', cache: 'coalesced', entryId: undefined, steps }));
      remember(admin, 'req_1', aTrace({ text: 'Another question' }));
      remember(admin, 'req_2', aTrace());
      const story = await why(admin, 'req_2');
      assert.match(
        story.because,
        /^The same question in other words was being answered at that moment \(similarity 0\.953\)/,
      );
      assert.equal(story.question, 'What is the height of the tower?');
      assert.match(story.steps.find(({ name }) => name === 'running answers')!.says, /a similar request .* for req_1/);
    }));

  it('gives each miss, bypass and failure its own reason', () =>
    withAdmin(async (admin) => {
      const missed = { ...noSteps, exact: 'miss', semantic: 'miss' } as const;
      const cases: readonly [Parameters<typeof aRecord>[0], LookupTrace | undefined, RegExp][] = [
        [
          { cache: 'miss', steps: { ...missed, semanticReason: 'no-neighbour' } },
          undefined,
          /no stored question is close/,
        ],
        [{ cache: 'miss', steps: { ...missed, semanticReason: 'stale' } }, undefined, /may not serve any more/],
        [
          { cache: 'miss', steps: { ...missed, semanticReason: 'vetoed' } },
          aTrace({ chosen: undefined, candidates: [candidate({ refusedBy: ['number'] })] }),
          /was refused: numbers, units, dates or versions differ/,
        ],
        [
          { cache: 'miss', steps: { ...missed, semanticReason: 'below-threshold' } },
          aTrace({ cut: 0.99 }),
          /right with probability 97 %, and 99 % is needed/,
        ],
        [
          { cache: 'miss', steps: { ...missed, semanticReason: 'below-threshold' } },
          aTrace({ state: 'fixed', cut: 0.96 }),
          /similarity of 0\.953, and 0\.960 is needed/,
        ],
        [
          { cache: 'miss', steps: { ...missed, semanticReason: 'below-threshold' } },
          aTrace({ state: 'learning', cut: undefined, auditsMissing: 340 }),
          /no probability is certified/,
        ],
        [
          { cache: 'miss', steps: { ...missed, semantic: 'unavailable', semanticReason: 'the embedder is ill' } },
          undefined,
          /trouble: the embedder is ill/,
        ],
        [{ cache: 'miss', steps: { ...noSteps, exact: 'miss' } }, undefined, /only the same request may serve it/],
        [{ cache: 'miss', steps: { ...noSteps, exact: 'unavailable' } }, undefined, /had trouble/],
        [{ cache: 'miss', steps: noSteps }, undefined, /ask afresh/],
        [{ cache: 'bypass', steps: { ...noSteps, bypass: 'images' } }, undefined, /not asked: the request has images/],
        [{ cache: 'bypass', route: 'embeddings' }, undefined, /embeddings go straight/],
        [
          { cache: undefined, outcome: 'overloaded', status: 503, error: 'queue_full: too many' },
          undefined,
          /^It failed: queue_full: too many\.$/,
        ],
        [{ cache: 'miss', outcome: 'cancelled', status: 499 }, undefined, /client left after 12 ms/],
      ];
      for (const [i, [record, trace, expected]] of cases.entries()) {
        admin.requests.add(aRecord({ id: `req_${i}`, entryId: undefined, similarity: undefined, ...record }));
        if (trace !== undefined) remember(admin, `req_${i}`, trace);
        const story = await why(admin, `req_${i}`);
        assert.match(story.because, expected);
        assert.equal(story.canBeJudged, false);
      }
    }));

  it('says how many requests it remembers when it does not know one', () =>
    withAdmin(async (admin) => {
      for (const path of ['/api/requests/nobody/why', '/api/requests/nobody', '/requests/nobody']) {
        const reply = await fetch(admin.url + path);
        assert.equal(reply.status, 404, path);
        assert.match(await reply.text(), /nobody.* among the last 1000; older ones are forgotten/);
      }
    }));
});

describe('feedback on the operator port', () => {
  const say = (admin: RunningAdmin, body: unknown, id = 'req_1') =>
    fetch(`${admin.url}/api/requests/${id}/feedback`, { method: 'POST', body: JSON.stringify(body) });

  it('passes the word on, for every tenant, and tells what it did', () =>
    withAdmin(async (admin) => {
      const heard: Feedback[] = [];
      admin.feedback = (given) => {
        heard.push(given);
        return { kind: 'taken', effect: 'quarantined' };
      };
      const reply = await say(admin, { verdict: 'wrong' });
      assert.equal(reply.status, 200);
      const { message, ...facts } = (await reply.json()) as FeedbackReply;
      assert.deepEqual(facts, { requestId: 'req_1', verdict: 'wrong', effect: 'quarantined' });
      assert.match(message, /serves no other wording any more/);
      assert.deepEqual(heard, [{ requestId: 'req_1', verdict: 'wrong' }]);
    }));

  it('refuses with the status that fits, and a stranger learns nothing', () =>
    withAdmin(async (admin) => {
      const refusals: readonly [Extract<FeedbackResult, { kind: 'refused' }>['reason'], number, string][] = [
        ['unknown-request', 404, 'request_not_found'],
        ['other-tenant', 404, 'request_not_found'],
        ['not-a-hit', 409, 'not_a_hit'],
        ['too-often', 429, 'rate_limited'],
      ];
      const bodies = new Map<string, string>();
      for (const [reason, status, code] of refusals) {
        admin.feedback = () => ({ kind: 'refused', reason });
        const reply = await say(admin, { verdict: 'wrong' });
        assert.equal(reply.status, status, reason);
        assert.equal(reply.headers.has('retry-after'), reason === 'too-often');
        const body = await reply.text();
        assert.equal((JSON.parse(body) as { error: { code: string } }).error.code, code);
        bodies.set(reason, body);
      }
      assert.equal(bodies.get('other-tenant'), bodies.get('unknown-request'));
    }));

  it('takes nothing but a verdict', () =>
    withAdmin(async (admin) => {
      for (const body of [{}, { verdict: 'maybe' }, { verdict: 'right', tenant: 'x' }, 'wrong', null]) {
        const reply = await say(admin, body);
        assert.equal(reply.status, 400, JSON.stringify(body));
        assert.match(await reply.text(), /expected \{\\"verdict\\": \\"right\\" or \\"wrong\\"\}/);
      }
    }));

  it('takes the form from its own page only', () =>
    withAdmin(async (admin) => {
      admin.requests.add(aRecord({ id: 'req_1' }));
      const heard: Feedback[] = [];
      admin.feedback = (given) => {
        heard.push(given);
        return { kind: 'taken', effect: 'quarantined' };
      };
      const send = (form: Record<string, string>, headers: Record<string, string>) =>
        fetch(`${admin.url}/requests/req_1/feedback`, {
          method: 'POST',
          body: new URLSearchParams(form),
          headers,
          redirect: 'manual',
        });
      const wrong = { verdict: 'wrong', confirmed: 'yes' };
      for (const headers of [{}, { origin: 'null' }, { origin: 'https://evil.example' }]) {
        assert.equal((await send(wrong, headers)).status, 403, JSON.stringify(headers));
      }
      const own = { origin: admin.url };
      assert.equal((await send({ verdict: 'maybe' }, own)).status, 400);
      // Nothing is taken away before it was asked about.
      assert.match(await (await send({ verdict: 'wrong' }, own)).text(), /Yes, it was wrong/);
      assert.deepEqual(heard, []);
      const done = await send(wrong, own);
      assert.equal(done.status, 303);
      assert.equal(done.headers.get('location'), '/requests/req_1?said=quarantined');
      assert.deepEqual(heard, [{ requestId: 'req_1', verdict: 'wrong' }]);
    }));

  it('writes nothing into a page that a stranger could have worded', () =>
    withAdmin(async (admin) => {
      const evil = '<script>alert(1)</script>"&\'';
      admin.requests.add(aRecord({ id: 'req_1', model: evil, error: evil, entryId: evil, tenant: evil }));
      remember(admin, 'req_1', aTrace({ text: evil, candidates: [candidate({ text: evil, refusedBy: [evil] })] }));
      for (const path of ['/requests/req_1', '/requests/req_1?said=%3Cscript%3E', '/requests/%3Cscript%3E']) {
        const reply = await fetch(admin.url + path);
        assert.doesNotMatch(await reply.text(), /<script/);
        assert.match(reply.headers.get('content-security-policy') ?? '', /default-src 'none'.*form-action 'self'/);
      }
    }));
});
