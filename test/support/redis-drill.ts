/** One fault drill: what must hold before, while and after the store that gateways share is ill. */
import assert from 'node:assert/strict';
import { eventually } from '../../src/testing/redis-shapes.ts';
import type { RunningGateway } from '../../src/running-gateway.ts';
import { addedLatency } from './added-latency.ts';
import { askOf, type Asked, type SharedGateways } from './shared-gateways.ts';

/** Two tenants, so that an answer that crosses their wall is seen. */
export const drillKeys = { SELFHOST_API_KEYS: 'acme:acme-key-0123456789,beta:beta-key-0123456789' };
const headersOf = {
  acme: { authorization: 'Bearer acme-key-0123456789' },
  beta: { authorization: 'Bearer beta-key-0123456789' },
} as const;
type Tenant = keyof typeof headersOf;

/** What a fault may add to a request: the longest wait for Redis, and 50 ms. */
export const addedMsMax = 150 + 50;
/** So many that a 99th percentile is not the slowest one. */
const load = { count: 120, everyMs: 15 };
const settleMs = 15_000;
/** What both tenants ask again and again. */
const asked = 'What is it?';

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
  answersInTime(): Promise<void>;
  through(fault: Fault): Promise<void>;
}

export function createDrill({ gateways, control }: SharedGateways): Drill {
  let round = 0;
  /** Whose an answer is: of whoever was served it first. */
  const ownerOf = new Map<string, Tenant>();

  async function askAt(gateway: RunningGateway, tenant: Tenant, question: string): Promise<Asked> {
    const told = await askOf(gateway.gatewayUrl, question, headersOf[tenant]);
    assert.equal(told.status, 200, `${question}: ${told.status} ${told.text}`);
    if (told.entry !== '') {
      const owner = ownerOf.get(told.entry) ?? tenant;
      assert.equal(owner, tenant, `${tenant} was served an answer of ${owner} to: ${question}`);
      ownerOf.set(told.entry, tenant);
    }
    return told;
  }

  const ask = (tenant: Tenant, at: number, question: string): Promise<Asked> => askAt(gateways[at]!, tenant, question);

  /** Stores the answer through one gateway, and waits until both serve it. @returns its entry */
  async function shareAnswer(question: string, withinMs: number): Promise<string> {
    let entry = '';
    await eventually(
      'an answer of one gateway is served by the other',
      async () => {
        const [first, second] = [await ask('acme', 0, question), await ask('acme', 1, question)];
        entry = second.entry;
        return second.cache === 'exact' && first.entry === entry;
      },
      withinMs,
    );
    return entry;
  }

  const admin = (path: string, method: string, at = 0): Promise<Response> =>
    fetch(`${gateways[at]!.adminUrl}/api/cache/${path}`, { method });

  const remove = async (entry: string): Promise<number> => (await admin(`entries/${entry}`, 'DELETE')).status;

  /** @returns the epoch from which on answers serve, once that is acknowledged */
  async function flush(): Promise<number> {
    let epoch = 0;
    await eventually(
      'it is flushed',
      async () => {
        const reply = await admin('flush', 'POST');
        if (reply.status === 200) ({ epoch } = (await reply.json()) as { epoch: number });
        else await reply.text();
        return reply.status === 200;
      },
      settleMs,
    );
    return epoch;
  }

  /** The other tenant asks the same, word for word and in other words: an answer it gets must be its own. */
  async function wallStands(question: string, entry: string): Promise<void> {
    assert.equal(ownerOf.get(entry), 'acme');
    for (const at of gateways.keys()) {
      await ask('beta', at, question);
      await ask('beta', at, question.toLowerCase().replace('?', ''));
    }
  }

  async function answersInTime(): Promise<void> {
    round += 1;
    const mine = round;
    // Asked before and never asked, of both tenants, through every gateway.
    const of = (i: number): readonly [Tenant, string] => [
      i % 4 < 2 ? 'acme' : 'beta',
      i % 8 < 4 ? asked : `Load ${mine}, number ${i}: what is it?`,
    ];
    const { addedMs, illMs, controlMs } = await addedLatency({
      ...load,
      ill: (i) => askAt(gateways[i % gateways.length]!, ...of(i)),
      control: (i) => askAt(control!, ...of(i)),
    });
    const told = `p99 is ${illMs.toFixed(0)} ms, without Redis ${controlMs.toFixed(0)} ms`;
    assert.ok(addedMs <= addedMsMax, told);
  }

  return {
    answersInTime,

    async through({ break: breakIt, heal, hitsGoOn = false, keepsData = true, agreeWithinMs = 30_000 }) {
      round += 1;
      const [flushed, kept, served, gone, removed, owed] = ['Flushed', 'Kept', 'Served', 'Gone', 'Removed', 'Owed'].map(
        (what) => `${what} ${round}: what does acme know?`,
      ) as [string, string, string, string, string, string];
      const before = await shareAnswer(flushed, settleMs);
      const epoch = await flush();
      const keptEntry = await shareAnswer(kept, settleMs);
      await shareAnswer(served, settleMs);
      const goneEntry = await shareAnswer(gone, settleMs);
      const removedEntry = await shareAnswer(removed, settleMs);
      const owedEntry = await shareAnswer(owed, settleMs);
      assert.equal(await remove(goneEntry), 200);

      for (const tenant of ['acme', 'beta'] as const) {
        await ask(tenant, 0, asked);
        await askAt(control!, tenant, asked);
      }
      await breakIt();
      await answersInTime();
      // One read may be late on a busy machine.
      if (hitsGoOn)
        await eventually('it is served on', async () => (await ask('acme', 1, served)).cache === 'exact', settleMs);
      await wallStands(kept, keptEntry);
      for (const entry of [removedEntry, owedEntry]) {
        // Confirmed, or said to be owed; or it was evicted before.
        const status = await remove(entry);
        assert.ok([200, 404, 503].includes(status), `removing ended with ${status}`);
      }
      // Either way this gateway serves it no more.
      assert.notEqual((await ask('acme', 0, removed)).entry, removedEntry);
      await heal();

      await eventually(
        'both are ready, and owe nothing',
        () =>
          gateways.every((each) => {
            const standing = each.status().cache.shared;
            return standing?.state === 'ready' && !standing.stale && standing.unconfirmed === 0;
          }),
        agreeWithinMs,
      );
      // Acknowledged before the fault, or confirmed after it: gone for good, in every gateway.
      for (const at of [1, 0]) {
        for (const entry of [owedEntry, goneEntry, removedEntry, before]) {
          await eventually(
            'it is known whether an entry is there',
            async () => {
              const { status } = await admin(`entries/${entry}`, 'GET', at);
              assert.notEqual(status, 200, `gateway ${at} has what was removed`);
              return status === 404;
            },
            agreeWithinMs,
          );
        }
        for (const [question, entry] of [
          [owed, owedEntry],
          [gone, goneEntry],
          [removed, removedEntry],
          [flushed, before],
        ] as const) {
          assert.notEqual((await ask('acme', at, question)).entry, entry, question);
        }
      }
      for (const at of keepsData ? gateways.keys() : []) {
        await eventually(
          'what was stored is there',
          async () => (await admin(`entries/${keptEntry}`, 'GET', at)).status === 200,
          agreeWithinMs,
        );
      }
      await wallStands(kept, keptEntry);
      await shareAnswer(`Fresh ${round}: what does acme know?`, agreeWithinMs);
      await eventually(
        'both know the same entries',
        () => new Set(gateways.map((each) => each.status().cache.shared!.digest)).size === 1,
        agreeWithinMs,
      );
      // What was flushed before the fault is flushed for every server there is now.
      assert.ok((await flush()) > epoch, 'the acknowledged flush was forgotten');
    },
  };
}
