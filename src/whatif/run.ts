/** Replays recorded traffic in a thread of its own: read page by page, so that no request waits for it. */
import { Worker } from 'node:worker_threads';
import { AppError } from '../core/errors.ts';
import { siblingWorker } from '../core/sibling-worker.ts';
import type { Fact, FactLog } from '../ledger/facts.ts';
import type { AnswerEntry, Ledger, LedgerRange } from '../ledger/ledger.ts';
import type { WhatIfChange, WhatIfFacts, WhatIfReport, WhatIfSettings } from './what-if.ts';

export type WorkerOrder =
  | { readonly kind: 'answers'; readonly page: readonly AnswerEntry[] }
  | { readonly kind: 'facts'; readonly page: readonly Fact[] }
  | ({
      readonly kind: 'run';
      readonly range: LedgerRange;
      readonly changes: readonly WhatIfChange[];
    } & Omit<WhatIfFacts, 'recording'>);

export type WorkerReply = { readonly reports: readonly WhatIfReport[] } | { readonly failure: string };

export interface WhatIfDeps {
  readonly ledger: Pick<Ledger, 'entries' | 'buckets' | 'totals'>;
  readonly facts: FactLog;
  readonly settings: () => WhatIfSettings;
}

export interface WhatIfRunner {
  /**
   * One report for each change, over the same recording.
   * @throws rate_limited while another replay runs | ledger_unavailable | internal when a replay fails
   */
  run(range: LedgerRange, changes: readonly WhatIfChange[]): Promise<readonly WhatIfReport[]>;
}

const dayMs = 86_400_000;
/** A page is cloned to the thread: a millisecond or two. */
const pageRows = 500;
/** 200,000 answers and their comparisons, and the copies a replay makes. */
const heapMibMax = 768;

export function createWhatIf({ ledger, facts, settings }: WhatIfDeps): WhatIfRunner {
  let isRunning = false;
  return {
    async run(range, changes) {
      if (isRunning)
        throw new AppError('rate_limited', 'another replay is running; ask again in a moment', { retryAfterMs: 5_000 });
      isRunning = true;
      const worker = new Worker(siblingWorker('worker', import.meta.url), {
        name: 'what-if',
        resourceLimits: { maxOldGenerationSizeMb: heapMibMax },
      });
      try {
        const replied = new Promise<WorkerReply>((resolve, reject) => {
          worker.once('message', resolve);
          worker.once('error', reject);
          worker.once('exit', () => reject(new Error('the thread of the replay ended')));
        });
        // It may fail before it is waited for.
        replied.catch(() => undefined);
        const send = (order: WorkerOrder) => {
          // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
          worker.postMessage(order);
        };
        const answers = pages(ledger.entries(range, ['answer']));
        for await (const page of answers) send({ kind: 'answers', page: page as AnswerEntry[] });
        for await (const page of pages(facts.read(range))) send({ kind: 'facts', page });
        send({ kind: 'run', range, changes, ...(await moneyOf(range)) });
        const reply = await replied;
        if ('failure' in reply) throw new AppError('internal', `the replay failed: ${reply.failure}`);
        return reply.reports;
      } finally {
        isRunning = false;
        await worker.terminate();
      }
    },
  };

  async function moneyOf(range: LedgerRange): Promise<Omit<WhatIfFacts, 'recording'>> {
    const known = settings();
    const [totals, { costs }] = await Promise.all([ledger.totals(range), ledger.buckets(range, dayMs)]);
    const gpu = costs.filter(({ component }) => component.startsWith('gpu_'));
    const sumOf = (own: boolean, of: (row: (typeof gpu)[number]) => number) =>
      gpu.reduce((sum, row) => sum + (known.ownHosts.has(row.subject) === own ? of(row) : 0), 0);
    const usd = ({ amount }: { readonly amount: number }) => amount / 1e6;
    return {
      totals,
      rentedGpuUsd: sumOf(false, usd),
      rentedGpuHours: sumOf(false, ({ seconds }) => seconds / 3600),
      ownGpuUsd: sumOf(true, usd),
      settings: known,
    };
  }
}

async function* pages<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let page: T[] = [];
  for await (const item of items) {
    page.push(item);
    if (page.length < pageRows) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
