/** What every ledger promises. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { requestId, tenantId } from '../../core/ids.ts';
import { epochMs, usdMicros } from '../../core/units.ts';
import {
  foldMs,
  type AnswerEntry,
  type ChargeEntry,
  type CostEntry,
  type HoldoutEntry,
  type Ledger,
  type LedgerEntry,
  type LedgerRange,
} from '../ledger.ts';

export interface LedgerSetup {
  readonly answersMax?: number;
}

export interface OpenedLedger {
  readonly ledger: Ledger;
  /** Called after the ledger was closed. */
  dispose(): Promise<void>;
}

/** A Monday, 00:00 UTC. */
const monday = 1_767_571_200_000;
const hour = foldMs;
const ever: LedgerRange = { from: epochMs(0), to: epochMs(Number.MAX_SAFE_INTEGER) };
const range = (from: number, to: number): LedgerRange => ({ from: epochMs(from), to: epochMs(to) });

export function anAnswer(fields: Partial<AnswerEntry> = {}): AnswerEntry {
  return {
    kind: 'answer',
    at: epochMs(monday),
    requestId: requestId('req_1'),
    tenant: tenantId('local'),
    model: 'qwen3:8b',
    source: 'thinker',
    outcome: 'ok',
    thinker: 'gpu',
    promptTokens: 100,
    completionTokens: 20,
    ttftMs: 250.5,
    totalMs: 1250.125,
    queuedMs: 3,
    loadMs: 0,
    gpuMs: 1000,
    avoidedGpuMs: 0,
    question: 'q1',
    answerOf: '',
    ...fields,
  };
}

export function aCost(fields: Partial<CostEntry> = {}): CostEntry {
  const amount = usdMicros(8_333);
  return {
    kind: 'cost',
    at: epochMs(monday + 60_000),
    component: 'gpu_busy',
    subject: 'gpu',
    seconds: 60,
    amount,
    ...fields,
  };
}

export function aCharge(fields: Partial<ChargeEntry> = {}): ChargeEntry {
  return {
    kind: 'charge',
    at: epochMs(monday),
    component: 'gpu',
    subject: 'i1',
    amount: usdMicros(12_000_000),
    ...fields,
  };
}

function aHoldout(fields: Partial<HoldoutEntry> = {}): HoldoutEntry {
  return {
    kind: 'holdout',
    at: epochMs(monday),
    requestId: requestId('req_9'),
    tenant: tenantId('local'),
    model: 'qwen3:8b',
    promptTokens: 90,
    completionTokens: 30,
    gpuMs: 1100,
    storedGpuMs: 1000,
    ...fields,
  };
}

export function ledgerConformance(driver: string, open: (setup: LedgerSetup) => Promise<OpenedLedger>): void {
  const promise = (name: string, test: (ledger: Ledger) => Promise<void>, setup: LedgerSetup = {}): void =>
    void it(name, async () => {
      const opened = await open(setup);
      try {
        await test(opened.ledger);
      } finally {
        await opened.ledger.close();
        await opened.dispose();
      }
    });

  describe(`ledger: ${driver}`, () => {
    promise('is empty at first', async (ledger) => {
      const totals = await ledger.totals(ever);
      assert.equal(totals.total, 0);
      assert.deepEqual(totals.answers, { thinker: 0, fallback: 0, coalesced: 0, exact: 0, semantic: 0 });
      assert.deepEqual(await all(ledger, ever), []);
      assert.deepEqual(await ledger.buckets(ever, hour), { answers: [], costs: [], charges: [] });
    });

    promise('gives back every field of what was appended, oldest first', async (ledger) => {
      const entries: LedgerEntry[] = [
        anAnswer({
          at: epochMs(monday + 5),
          requestId: requestId('req_2'),
          answerOf: 'req_1',
          source: 'exact',
          ttftMs: undefined,
        }),
        aCost({ at: epochMs(monday + 4), id: 'only once' }),
        aCharge({ at: epochMs(monday + 3) }),
        aHoldout({ at: epochMs(monday + 2) }),
        anAnswer({ outcome: 'cancelled', loadMs: 12 }),
        anAnswer({ requestId: requestId('req_3'), model: 'l’œil 🙂\n\t"', tenant: tenantId('a b') }),
      ];
      for (const entry of entries) ledger.append(entry);
      await ledger.flush();
      const [exact, cost, charge, holdout, cancelled, odd] = entries;
      assert.deepEqual(await all(ledger, ever), [cancelled, odd, holdout, charge, cost, exact]);
      assert.deepEqual(await all(ledger, ever, ['cost', 'charge']), [charge, cost]);
      assert.deepEqual(await all(ledger, { ...ever, tenant: tenantId('a b') }, ['answer', 'holdout']), [odd]);
      assert.equal((await ledger.totals(ever)).answers.thinker, 1, 'a hold-out is no answer of its own');
    });

    promise('pages through more than fits one batch, in order and each once', async (ledger) => {
      const count = 2_500;
      // Many share an instant, and some come late.
      for (let i = 0; i < count; i++)
        ledger.append(anAnswer({ at: epochMs(monday + ((i * 7) % 50)), requestId: requestId(`req_${i}`) }));
      const found = await all(ledger, ever);
      assert.equal(new Set(found.map((entry) => (entry as AnswerEntry).requestId)).size, count);
      assert.ok(found.every((entry, i) => i === 0 || found[i - 1]!.at <= entry.at));
    });

    promise('adds up costs by component, exactly', async (ledger) => {
      const amounts = [1, 999_999, 123_457, 0, 7];
      for (const [i, amount] of amounts.entries()) {
        ledger.append(
          aCost({ component: i % 2 === 0 ? 'gpu_busy' : 'gpu_idle', amount: usdMicros(amount), seconds: 0.5 }),
        );
      }
      ledger.append(aCost({ component: 'fixed', subject: 'vm', amount: usdMicros(30_000_000), seconds: 0 }));
      const totals = await ledger.totals(ever);
      assert.deepEqual(totals.costs, {
        gpu_busy: 123_465,
        gpu_idle: 999_999,
        gpu_cold: 0,
        storage: 0,
        bandwidth: 0,
        fixed: 30_000_000,
        fallback: 0,
      });
      assert.equal(totals.total, 31_123_464);
      assert.equal(totals.seconds.gpu_busy, 1.5);
    });

    promise('sums answers by source, and tells failures from what readers and clients ended', async (ledger) => {
      ledger.append(anAnswer());
      ledger.append(anAnswer({ source: 'exact', gpuMs: 0, avoidedGpuMs: 1000 }));
      ledger.append(anAnswer({ source: 'semantic', gpuMs: 0, avoidedGpuMs: 900 }));
      ledger.append(anAnswer({ outcome: 'timeout', completionTokens: 0 }));
      ledger.append(anAnswer({ outcome: 'cancelled', gpuMs: 10 }));
      const totals = await ledger.totals(ever);
      assert.deepEqual(totals.answers, { thinker: 1, fallback: 0, coalesced: 0, exact: 1, semantic: 1 });
      assert.deepEqual(totals.bySource.thinker, {
        answers: 1,
        failed: 1,
        stopped: 1,
        promptTokens: 300,
        completionTokens: 40,
        gpuMs: 2010,
        avoidedGpuMs: 0,
      });
      assert.equal(totals.failed, 1);
      assert.equal(totals.avoidedGpuMs, 1900);
    });

    promise('takes answers and charges from the begin of a range, and costs up to its end', async (ledger) => {
      for (const at of [monday - 1, monday, monday + hour - 1, monday + hour]) {
        ledger.append(anAnswer({ at: epochMs(at) }));
        ledger.append(aCost({ at: epochMs(at), amount: usdMicros(1) }));
        ledger.append(aCharge({ at: epochMs(at), amount: usdMicros(1) }));
      }
      const { answers, total, charged } = await ledger.totals(range(monday, monday + hour));
      assert.deepEqual([answers.thinker, total, charged], [2, 2, 2]);
      const within = await all(ledger, range(monday, monday + hour));
      assert.deepEqual(
        within.map(({ kind, at }) => `${kind} ${at - monday}`),
        ['answer 0', 'charge 0', `answer ${hour - 1}`, `cost ${hour - 1}`, `charge ${hour - 1}`, `cost ${hour}`],
      );
    });

    promise('narrows answers to a tenant, and leaves costs whole', async (ledger) => {
      ledger.append(anAnswer({ tenant: tenantId('a') }));
      ledger.append(anAnswer({ tenant: tenantId('b') }));
      ledger.append(aCost());
      const totals = await ledger.totals({ ...ever, tenant: tenantId('a') });
      assert.deepEqual([totals.answers.thinker, totals.total], [1, 8_333]);
      assert.equal((await ledger.totals({ ...ever, tenant: tenantId('nobody') })).answers.thinker, 0);
    });

    promise('writes down a cost with an id once', async (ledger) => {
      for (let i = 0; i < 3; i++) ledger.append(aCost({ id: 'fixed vm 2026-01-05T01', amount: usdMicros(5) }));
      await ledger.flush();
      ledger.append(aCost({ id: 'fixed vm 2026-01-05T01', amount: usdMicros(5) }));
      ledger.append(aCost({ amount: usdMicros(5) }));
      ledger.append(aCost({ amount: usdMicros(5) }));
      assert.equal((await ledger.totals(ever)).total, 15);
    });

    promise('lets a later charge for a day take the place of an earlier one', async (ledger) => {
      ledger.append(aCharge({ amount: usdMicros(10) }));
      ledger.append(aCharge({ component: 'storage', amount: usdMicros(3) }));
      await ledger.flush();
      ledger.append(aCharge({ amount: usdMicros(14) }));
      ledger.append(aCharge({ at: epochMs(monday + 24 * hour), amount: usdMicros(100) }));
      assert.equal((await ledger.totals(ever)).charged, 117);
      assert.equal((await all(ledger, ever)).length, 4, 'nothing is edited');
    });

    promise('sums per bucket, by model and source; a bill is of the bucket in which its time ended', async (ledger) => {
      ledger.append(anAnswer({ at: epochMs(monday + 1) }));
      ledger.append(anAnswer({ at: epochMs(monday + 2) }));
      ledger.append(anAnswer({ at: epochMs(monday + 2), model: 'other' }));
      ledger.append(anAnswer({ at: epochMs(monday + hour) }));
      ledger.append(aCost({ at: epochMs(monday + hour), amount: usdMicros(2), seconds: 1 }));
      ledger.append(aCost({ at: epochMs(monday + hour + 1), amount: usdMicros(3), seconds: 1 }));
      ledger.append(aCharge({ amount: usdMicros(9) }));
      const { answers, costs, charges } = await ledger.buckets(ever, hour);
      assert.deepEqual(
        answers.map((row) => `${row.at - monday} ${row.model} ${row.source} ${row.answers} ${row.promptTokens}`).sort(),
        ['0 other thinker 1 100', '0 qwen3:8b thinker 2 200', `${hour} qwen3:8b thinker 1 100`],
      );
      assert.deepEqual(costs, [
        { at: monday, component: 'gpu_busy', subject: 'gpu', seconds: 1, amount: 2 },
        { at: monday + hour, component: 'gpu_busy', subject: 'gpu', seconds: 1, amount: 3 },
      ]);
      assert.deepEqual(charges, [{ at: monday, component: 'gpu', subject: 'i1', amount: 9 }]);
      const day = await ledger.buckets(ever, 24 * hour);
      assert.deepEqual(
        day.costs.map(({ at, amount }) => [at, amount]),
        [[monday, 5]],
      );
    });

    promise(
      'keeps totals exact when old answers become sums',
      async (ledger) => {
        const count = 30_000;
        let tokens = 0;
        for (let i = 0; i < count; i++) {
          tokens += i % 13;
          const source = i % 3 === 0 ? 'thinker' : 'exact';
          ledger.append(
            anAnswer({
              at: epochMs(monday + i * 1000),
              promptTokens: i % 13,
              source,
              tenant: tenantId(i % 2 === 0 ? 'a' : 'b'),
              outcome: i % 100 === 0 ? 'timeout' : 'ok',
            }),
          );
          // As many as wait for the disk are bounded.
          if (i % 5_000 === 0) await ledger.flush();
        }
        const totals = await ledger.totals(ever);
        assert.equal(totals.promptTokens, tokens);
        assert.equal(totals.answers.thinker + totals.answers.exact + totals.failed, count);
        assert.equal(totals.failed, count / 100);
        assert.equal(totals.gpuMs, count * 1000);
        const ofA = await ledger.totals({ ...ever, tenant: tenantId('a') });
        assert.equal(ofA.answers.thinker + ofA.answers.exact + ofA.failed, count / 2);
        const kept = await all(ledger, ever);
        assert.ok(kept.length < 15_000, `${kept.length} single answers are kept`);
        // Whole hours stay exact also where they were folded.
        const hours = await ledger.totals(range(monday, monday + 2 * hour));
        assert.equal(hours.answers.thinker + hours.answers.exact + hours.failed, 7_200);
      },
      { answersMax: 5_000 },
    );

    promise('takes what a strange thinker reports, and goes on', async (ledger) => {
      ledger.append(anAnswer({ promptTokens: 1.4, completionTokens: NaN, gpuMs: Infinity, totalMs: 0.12345 }));
      ledger.append(anAnswer({ model: 'm'.repeat(100_000) }));
      const [first, second] = (await all(ledger, ever)) as AnswerEntry[];
      assert.deepEqual([first!.promptTokens, first!.completionTokens, first!.gpuMs, first!.totalMs], [1, 0, 0, 0.123]);
      assert.equal(second!.model.length, 256);
    });
  });
}

async function all(
  ledger: Ledger,
  within: LedgerRange,
  kinds?: readonly LedgerEntry['kind'][],
): Promise<LedgerEntry[]> {
  const found: LedgerEntry[] = [];
  for await (const entry of ledger.entries(within, kinds)) found.push(entry);
  return found;
}
