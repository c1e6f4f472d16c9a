import { mkdirSync } from 'node:fs';
import type { Clock, Timer } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { siblingWorker } from '../../core/sibling-worker.ts';
import { faultOf, type DiskError } from '../../sqlite/disk-error.ts';
import { takeLock } from '../../sqlite/database-file.ts';
import type { DiskThread } from '../../sqlite/disk-thread.ts';
import { startRestingThread } from '../../sqlite/resting-thread.ts';
import type { Logger } from '../../telemetry/logger.ts';
import {
  answersMaxDefault,
  foldMs,
  type AnswerEntry,
  type Ledger,
  type LedgerBuckets,
  type LedgerEntry,
  type LedgerRange,
} from '../ledger.ts';
import { BucketFolder, tidyEntry, totalsOf } from '../sums.ts';
import { createMemoryFacts, factsMaxDefault, type Fact, type FactLog } from '../facts.ts';
import { encodeAnswers } from './disk-rows.ts';
import type { DiskCalls, DiskSetup, Opened, OtherEntry, PageCursor } from './disk-protocol.ts';
import { createMemoryLedger } from './memory.ts';

/** Facts lie in the same file, written by the same thread. */
export interface LedgerWithFacts extends Ledger {
  readonly facts: FactLog;
}

export interface EmbeddedLedgerDeps {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options?: EmbeddedLedgerOptions;
}

export interface EmbeddedLedgerOptions {
  /** Answers kept as single entries; older ones are sums of an hour. */
  readonly answersMax?: number;
  /** An entry is on disk this long after it, plus one write. */
  readonly flushAfterMs?: number;
  /** Facts for replays; the oldest leave first. */
  readonly factsMax?: number;
  /** Entries that wait in memory while the disk refuses them; further answers are lost, costs never. */
  readonly waitingMax?: number;
}

/** With a write of up to 250 ms this keeps the promise of a second. */
const flushAfterMsDefault = 250;
/** A batch is encoded on the calling thread: this many take about half a millisecond. */
const batchMax = 1_000;
/** Ten minutes of a busy gateway, some 20 MB. */
const waitingMaxDefault = 100_000;
const retryAfterMs = 1_000;
/** Nobody has asked or been answered for so long: the thread ends until somebody does. */
const restAfterMs = 10_000;
/** Entries of a page: some milliseconds to clone. */
const pageRows = 1_000;
/** Single answers, their index and as much again. */
const bytesPerAnswer = 512;
const bytesPerFact = 1024;
const fileBytesMin = 256 * 2 ** 20;

/**
 * SQLite under `dataDir`, written by a thread of its own in batches. A damaged file is set aside and the ledger
 * starts empty; when nothing can be written at all it lives in memory. Both are said in the log.
 * @throws config_invalid when another process uses the folder or a newer version wrote it
 */
export async function createEmbeddedLedger(deps: EmbeddedLedgerDeps): Promise<LedgerWithFacts> {
  const { dataDir, clock, logger, options = {} } = deps;
  const answersMax = options.answersMax ?? answersMaxDefault;
  const factsMax = options.factsMax ?? factsMaxDefault;
  const setup = (): DiskSetup => ({
    dataDir,
    answersMax,
    fileBytesMax: fileBytesMin + answersMax * bytesPerAnswer + factsMax * bytesPerFact,
    factsMax,
    openedAt: clock.now(),
  });
  let lock: ReturnType<typeof takeLock> | undefined;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    lock = takeLock(dataDir, 'ledger');
    const { thread, opened } = await startRestingThread<{ calls: DiskCalls; opened: Opened }>({
      program: siblingWorker('disk-worker', import.meta.url),
      name: 'ledger-disk',
      setup,
      heapMib: { young: 4, old: 128 },
      clock,
      restAfterMs,
      reopened: (found) => tellOpened(deps, found),
    });
    tellOpened(deps, opened);
    return new EmbeddedLedger(deps, thread, lock);
  } catch (error) {
    lock?.close();
    const fault = faultOf(error);
    if (fault === 'locked' || fault === 'newer')
      throw new AppError('config_invalid', (error as DiskError).message, { cause: error });
    logger.error(
      { err: error, dataDir },
      'the ledger cannot be kept on disk; it lives in memory and ends with the process',
    );
    const ledger = createMemoryLedger({ answersMax: Math.min(answersMax, waitingMaxDefault) });
    return Object.assign(ledger, { facts: createMemoryFacts(Math.min(factsMax, waitingMaxDefault)) });
  }
}

class EmbeddedLedger implements LedgerWithFacts {
  readonly name = 'embedded';
  lost = 0;
  readonly #deps: EmbeddedLedgerDeps;
  readonly #disk: DiskThread<DiskCalls>;
  /** On the folder, as long as this lives. */
  readonly #lock: { close(): void };
  readonly #flushAfterMs: number;
  readonly #waitingMax: number;
  readonly facts: FactLog;
  #waiting: LedgerEntry[] = [];
  #waitingFacts: Fact[] = [];
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #refused = false;

  constructor(deps: EmbeddedLedgerDeps, disk: DiskThread<DiskCalls>, lock: { close(): void }) {
    this.#deps = deps;
    this.#lock = lock;
    this.#disk = disk;
    this.#flushAfterMs = deps.options?.flushAfterMs ?? flushAfterMsDefault;
    this.#waitingMax = deps.options?.waitingMax ?? waitingMaxDefault;
    this.facts = {
      append: (fact) => this.#appendFact(fact),
      read: (range) => this.#readFacts(range),
    };
  }

  append(entry: LedgerEntry): void {
    if (this.#waiting.length >= this.#waitingMax && entry.kind === 'answer') {
      this.lost += 1;
      return;
    }
    this.#waiting.push(entry);
    if (this.#waiting.length === batchMax && this.#writing === undefined && !this.#refused) void this.#write();
    else this.#timer ??= this.#deps.clock.after(this.#flushAfterMs, () => void this.#write());
  }

  #appendFact(fact: Fact): void {
    // Worth less than any entry: while the disk refuses, they are the first to go.
    if (this.#waitingFacts.length >= batchMax) return;
    this.#waitingFacts.push(fact);
    this.#timer ??= this.#deps.clock.after(this.#flushAfterMs, () => void this.#write());
  }

  async *#readFacts(range: LedgerRange): AsyncGenerator<Fact> {
    for (let after = 0; ;) {
      const page = await this.#ask((disk) => disk.call('facts', range, after, pageRows));
      yield* page;
      if (page.length < pageRows) return;
      after = page.at(-1)!.seq;
    }
  }

  async flush(): Promise<void> {
    await this.#writing;
    await this.#write();
  }

  async totals(range: LedgerRange) {
    return totalsOf(await this.buckets(range, foldMs));
  }

  async buckets(range: LedgerRange, bucketMs: number): Promise<LedgerBuckets> {
    const rows = await this.#ask((disk) => disk.call('buckets', range, bucketMs));
    const folder = new BucketFolder(bucketMs);
    for (const row of rows.answers) folder.addAnswers(row);
    for (const row of rows.charges) folder.add(row);
    // Of a bucket already: its begin would be taken for the end of the one before.
    for (const row of rows.costs) folder.addCost({ ...row, at: (row.at + 1) as typeof row.at });
    return folder.buckets();
  }

  async *entries(range: LedgerRange, kinds: readonly LedgerEntry['kind'][] = ['answer', 'cost', 'charge', 'holdout']) {
    for (let after: PageCursor | undefined; ;) {
      const page = await this.#ask((disk) => disk.call('page', range, kinds, after, pageRows));
      yield* page.entries;
      if (page.next === undefined) return;
      after = page.next;
    }
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.flush();
      if (this.#waiting.length > 0)
        this.#deps.logger.error(
          { entries: this.#waiting.length },
          'entries of the ledger could not be written and are lost',
        );
      await this.#disk.end();
      this.#lock.close();
    })();
    return this.#closing;
  }

  /** What is read contains what was appended before. */
  async #ask<T>(call: (disk: DiskThread<DiskCalls>) => Promise<T>): Promise<T> {
    await this.flush();
    try {
      return await call(this.#disk);
    } catch (error) {
      if (faultOf(error) === 'damaged') await this.#setAside(error);
      throw new AppError('ledger_unavailable', `the ledger could not be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  #write(): Promise<void> {
    this.#timer?.clear();
    this.#timer = undefined;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  /** Resolves when all that waits is on disk, or the disk has refused it. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0 || this.#waitingFacts.length > 0) {
      const batch = this.#waiting.slice(0, batchMax);
      const answers: AnswerEntry[] = [];
      const others: OtherEntry[] = [];
      for (const entry of batch) {
        if (entry.kind === 'answer') answers.push(entry);
        else others.push(tidyEntry(entry) as OtherEntry);
      }
      try {
        const facts = this.#waitingFacts;
        this.#waitingFacts = [];
        await this.#disk.call('append', encodeAnswers(answers), others, facts);
        this.#waiting.splice(0, batch.length);
        if (this.#refused) this.#deps.logger.info('the ledger is written again');
        this.#refused = false;
      } catch (error) {
        if (faultOf(error) === 'damaged' && (await this.#setAside(error))) continue;
        if (!this.#refused)
          this.#deps.logger.error({ err: error }, 'the ledger cannot be written; it is tried again every second');
        this.#refused = true;
        if (this.#closing === undefined) this.#timer ??= this.#deps.clock.after(retryAfterMs, () => void this.#write());
        return;
      }
    }
  }

  async #setAside(cause: unknown): Promise<boolean> {
    try {
      const { setAside } = await this.#disk.call('reset', this.#deps.clock.now());
      tellOpened(this.#deps, { setAside: setAside ?? '' }, cause);
      return true;
    } catch (error) {
      this.#deps.logger.error({ err: error }, 'a damaged ledger could not be set aside');
      return false;
    }
  }
}

function tellOpened({ logger }: EmbeddedLedgerDeps, { setAside }: Opened, cause?: unknown): void {
  if (setAside === undefined) return;
  logger.error(
    { ...(cause !== undefined && { err: cause }), file: setAside },
    'the ledger was damaged; the file is kept beside the new one, which starts empty',
  );
}
