/** One fault drill: what must hold before, while and after the store that gateways share is ill. */
import assert from 'node:assert/strict';
import { askOf, type Asked, type SharedGateways } from './shared-gateways.ts';
import { until } from './until.ts';

/** Two tenants, so that an answer that crosses their wall is seen. */
export const drillKeys = { SELFHOST_API_KEYS: 'acme:acme-key-0123456789,beta:beta-key-0123456789' };
const headersOf = {
  acme: { authorization: 'Bearer acme-key-0123456789' },
  beta: { authorization: 'Bearer beta-key-0123456789' },
} as const;
type Tenant = keyof typeof headersOf;

/** The longest wait for Redis, in the exact tier and for the lock of a flight, and what may come on top. */
const deadlineMs = 150;
const waits = 2;
const allowanceMs = 50;
/** Of a machine that runs everybody's tests: pauses of the process itself are no fault of the cache. */
const slackMs = 2_500;
const settleMs = 15_000;

export interface Fault {
  readonly break: () => Promise<unknown>;
  readonly heal: () => Promise<unknown>;
  /** What was stored before is served while it lasts. */
  readonly hitsGoOn?: boolean;
  /** The server has what it had: an answer stored before is found after. Default true. */
  readonly keepsData?: boolean;
  readonly agreeWithinMs?: number;
}

export interface Drill {
  /** Requests of both tenants through every gateway: each is answered, none late, none by the other tenant's answer. */
  answersInTime(count: number, calmMs?: number): Promise<number>;
  through(fault: Fault): Promise<void>;
}

export function createDrill({ gateways }: SharedGateways): Drill {
  let round = 0;

  async function ask(tenant: Tenant, at: number, question: string): Promise<Asked> {
    const asked = await askOf(gateways[at]!.gatewayUrl, question, headersOf[tenant]);
    assert.equal(asked.status, 200, `${question}: ${asked.status}`);
    // The simulated thinker repeats the question: the other tenant's secret in an answer has come over the wall.
    const other = tenant === 'acme' ? 'beta' : 'acme';
    assert.ok(!asked.text.includes(`secret of ${other}`), `${tenant} was told: ${asked.text}`);
    return asked;
  }

  /** Stores the answer through one gateway, and waits until the other serves it. @returns its entry */
  async function shareAnswer(question: string, withinMs: number): Promise<string> {
    let entry = '';
    await until(
      'an answer of one gateway is served by the other',
      async () => {
        await ask('acme', 0, question);
        const asked = await ask('acme', 1, question);
        entry = asked.entry;
        return asked.cache === 'exact';
      },
      withinMs,
    );
    return entry;
  }

  const admin = async (path: string, method: string): Promise<number> =>
    (await fetch(`${gateways[0]!.adminUrl}/api/cache/${path}`, { method })).status;

  /** @returns the slowest, milliseconds. @param calmMs what it is without a fault, on this machine at this hour */
  async function answersInTime(count: number, calmMs = 0): Promise<number> {
    const took: number[] = [];
    for (let i = 0; i < count; i++) {
      for (const at of gateways.keys()) {
        const tenant = (i + at) % 2 === 0 ? 'acme' : 'beta';
        // Asked before, and never asked: hits and misses.
        const question = i % 2 === 0 ? 'What is it?' : `Round ${round}, number ${i} at ${at}?`;
        took.push((await ask(tenant, at, `${question} The secret of ${tenant}.`)).tookMs);
      }
    }
    const p99 = took.sort((a, b) => a - b)[Math.floor(took.length * 0.99)]!;
    const most = waits * deadlineMs + allowanceMs + slackMs + 2 * calmMs;
    assert.ok(p99 <= most, `p99 is ${Math.round(p99)} ms, in calm ${Math.round(calmMs)} ms`);
    return p99;
  }

  return {
    answersInTime,

    async through({ break: breakIt, heal, hitsGoOn = false, keepsData = true, agreeWithinMs = 30_000 }) {
      round += 1;
      const flushed = `Flushed ${round}: the secret of acme?`;
      const kept = `Kept ${round}: the secret of acme?`;
      const removed = `Removed ${round}: the secret of acme?`;
      const before = await shareAnswer(flushed, settleMs);
      await until('it is flushed', async () => (await admin('flush', 'POST')) === 200, settleMs);
      await shareAnswer(kept, settleMs);
      const wanted = await shareAnswer(removed, settleMs);

      const calmMs = await answersInTime(3, Infinity);
      await breakIt();
      await answersInTime(6, calmMs);
      if (hitsGoOn) assert.equal((await ask('acme', 1, kept)).cache, 'exact');
      // Confirmed, or said to be owed; either way this gateway serves it no more.
      // Or evicted before.
      assert.ok([200, 204, 404, 503].includes(await admin(`entries/${wanted}`, 'DELETE')));
      assert.notEqual((await ask('acme', 0, removed)).entry, wanted);
      await heal();

      await until(
        'both are ready, and owe nothing',
        () =>
          gateways.every((each) => {
            const standing = each.status().cache.shared;
            return standing?.state === 'ready' && !standing.stale && standing.unconfirmed === 0;
          }),
        agreeWithinMs,
      );
      for (const at of gateways.keys()) {
        // Acknowledged before the fault, and confirmed after it: gone for good.
        assert.notEqual((await ask('acme', at, flushed)).entry, before);
        assert.notEqual((await ask('acme', at, removed)).entry, wanted);
      }
      if (keepsData) {
        await until(
          'what was stored is served',
          async () => (await ask('acme', 1, kept)).cache === 'exact',
          agreeWithinMs,
        );
      }
      await shareAnswer(`Fresh ${round}: the secret of acme?`, agreeWithinMs);
      await until(
        'both know the same entries',
        () => new Set(gateways.map((each) => each.status().cache.shared?.digest)).size === 1,
        agreeWithinMs,
      );
    },
  };
}
