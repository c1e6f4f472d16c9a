import assert from 'node:assert/strict';
import { it } from 'node:test';
import { judge, kindRows, summarise, type Outcome } from './score.ts';

let made = 0;
const outcome = (facts: Partial<Outcome>): Outcome => ({
  kind: 'miss',
  group: 'g1',
  ms: 10,
  requestId: `req_${++made}`,
  entryId: undefined,
  similarity: undefined,
  answerHash: undefined,
  tokens: 5,
  ...facts,
});

it('judges a hit by the group of the request that made its entry', () => {
  const outcomes = [
    outcome({ requestId: 'a', group: 'g1' }),
    outcome({ requestId: 'b', group: 'g2' }),
    outcome({ kind: 'semantic', group: 'g1', entryId: 'e1' }),
    outcome({ kind: 'semantic', group: 'g1', entryId: 'e2' }),
    outcome({ kind: 'exact', group: undefined, entryId: 'e2' }),
    outcome({ kind: 'exact', group: 'g1', entryId: 'from-before' }),
  ];
  const origins = new Map([
    ['e1', 'a'],
    ['e2', 'b'],
    ['from-before', 'z'],
  ]);
  assert.deepEqual(judge(outcomes, origins).slice(2), ['right', 'wrong', 'unknown', 'unknown']);
});

it('judges by the text of the answer where the entry tells nothing, unless two groups share it', () => {
  const outcomes = [
    outcome({ group: 'g1', answerHash: 'one' }),
    outcome({ group: 'g2', answerHash: 'two' }),
    outcome({ group: 'g1', answerHash: 'shared' }),
    outcome({ group: 'g2', answerHash: 'shared' }),
    outcome({ kind: 'coalesced', group: 'g1', answerHash: 'one' }),
    outcome({ kind: 'semantic', group: 'g1', entryId: 'gone', answerHash: 'two' }),
    outcome({ kind: 'semantic', group: 'g1', answerHash: 'shared' }),
  ];
  assert.deepEqual(judge(outcomes, new Map()).slice(4), ['right', 'wrong', 'unknown']);
});

it('does not judge misses, and takes no answer of a failed request as an origin', () => {
  const outcomes = [
    outcome({ kind: 'error', group: 'g2', answerHash: 'one' }),
    outcome({ kind: 'exact', group: 'g1', answerHash: 'one' }),
    outcome({}),
  ];
  assert.deepEqual(judge(outcomes, new Map()), ['unknown', 'unknown', 'unknown']);
});

it('counts wrong hits per judged hit and per query of a known group, and what was saved', () => {
  const outcomes = [
    outcome({ group: 'g1' }),
    outcome({ kind: 'semantic', group: 'g1', tokens: 7 }),
    outcome({ kind: 'exact', group: 'g2', tokens: 3 }),
    outcome({ kind: 'coalesced', group: undefined, tokens: 1 }),
    outcome({ kind: 'error', group: 'g3', tokens: 0 }),
  ];
  const summary = summarise(outcomes, ['unknown', 'right', 'wrong', 'unknown', 'unknown']);
  assert.equal(summary.hits, 3);
  assert.equal(summary.judged, 2);
  assert.equal(summary.fhs, 1 / 2);
  assert.equal(summary.err, 1 / 4);
  assert.equal(summary.repeatShare, 1 / 4);
  assert.equal(summary.tokensSaved, 11);
  assert.equal(summary.callsSaved, 3);
  assert.equal(summary.errors, 1);
  assert.ok(summary.fhsInterval.low < 0.5 && summary.fhsInterval.high > 0.5);
});

it('has a row for each kind that occurred, with its own latencies', () => {
  const outcomes = [outcome({ ms: 1 }), outcome({ ms: 3 }), outcome({ kind: 'exact', ms: 100 })];
  const rows = kindRows(outcomes, ['unknown', 'unknown', 'wrong']);
  assert.deepEqual(
    rows.map(({ kind, queries, wrong, unjudged, p50Ms, p99Ms }) => ({ kind, queries, wrong, unjudged, p50Ms, p99Ms })),
    [
      { kind: 'exact', queries: 1, wrong: 1, unjudged: 0, p50Ms: 100, p99Ms: 100 },
      { kind: 'miss', queries: 2, wrong: null, unjudged: null, p50Ms: 1, p99Ms: 3 },
    ],
  );
});
