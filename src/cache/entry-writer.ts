/** Turns a finished answer into a stored entry, if it may be kept, without making anyone wait. */
import type { Answer } from '../core/answer.ts';
import type { Clock } from '../core/clock.ts';
import { entryId, type EntryId, type RequestId, type Scope } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import { addMs } from '../core/units.ts';
import type { UnitVector } from '../core/vector.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { CacheEntry, CacheStore } from './cache-store.ts';
import { contextVector } from './conversation.ts';
import type { EmbedGate } from './embed-gate.ts';
import type { CacheableRequest } from './plan.ts';
import { rowOwner } from './scope.ts';
import type { VectorIndex } from './vector-index.ts';
import type { CacheWitness } from './witness.ts';

export interface EntryWriterOptions {
  /** Of answers that are soon out of date. */
  readonly volatileTtlMs: number;
  readonly entryBytesMax: number;
  readonly writesMax: number;
  readonly writeEmbedDeadlineMs: number;
}

export interface EntryWriterDeps {
  readonly store: CacheStore;
  readonly index: VectorIndex;
  readonly gate: EmbedGate;
  readonly embeddingModelId: string;
  readonly indexScope: (stored: Scope) => Scope;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly kept?: CacheWitness['kept'];
  /** Asked at each write: it may be changed meanwhile. */
  readonly ttlMs: () => number;
  readonly options: EntryWriterOptions;
}

export interface KeepFacts {
  readonly digest: string;
  readonly requestId: RequestId;
}

/** Lifetimes differ by ±10 %, so that answers stored together do not all expire together. */
const ttlJitter = 0.1;

export class EntryWriter {
  readonly #deps: EntryWriterDeps;
  /** Entries between `put` and their place in the index; true once removed meanwhile. */
  readonly #placing = new Map<EntryId, boolean>();
  readonly #writes = new Set<Promise<void>>();
  #kept = 0;
  #notKept = 0;
  #dropped = 0;
  #failed = 0;

  constructor(deps: EntryWriterDeps) {
    this.#deps = deps;
  }

  stats(): { readonly kept: number; readonly notKept: number; readonly dropped: number; readonly failed: number } {
    return { kept: this.#kept, notKept: this.#notKept, dropped: this.#dropped, failed: this.#failed };
  }

  /** Whether an entry is on its way into the index, so that its absence from the store is no sign of a stale vector. */
  isPlacing(id: EntryId): boolean {
    return this.#placing.has(id);
  }

  /** The store has removed this entry. */
  removed(id: EntryId): void {
    if (this.#placing.has(id)) this.#placing.set(id, true);
  }

  keep(plan: CacheableRequest, answer: Answer, facts: KeepFacts): void {
    const bytes = answerBytes(answer);
    if (!isKeepable(answer) || facts.digest !== plan.digest || bytes > this.#deps.options.entryBytesMax) {
      this.#notKept += 1;
      return;
    }
    if (this.#writes.size >= this.#deps.options.writesMax) {
      this.#dropped += 1;
      this.#deps.logger.warn({ dropped: this.#dropped }, 'an answer is not kept: the store is too slow');
      return;
    }
    const write = this.#write(plan, answer, facts).then(
      () => void (this.#kept += 1),
      (error: unknown) => {
        this.#failed += 1;
        this.#deps.logger.warn({ err: error }, 'an answer could not be kept');
      },
    );
    this.#writes.add(write);
    void write.then(() => this.#writes.delete(write));
  }

  /** Resolves when the writes begun so far are in the store. */
  async settled(): Promise<void> {
    await Promise.all(this.#writes);
  }

  async #write(plan: CacheableRequest, answer: Answer, facts: KeepFacts): Promise<void> {
    const { store, index, indexScope, embeddingModelId } = this.#deps;
    const { semantic } = plan;
    // Known in the usual case, from the lookup: then the entry is in the store before this turn ends.
    let vector = semantic && this.#deps.gate.recent(semantic.text);
    if (semantic !== undefined && vector === undefined) vector = await this.#embed(semantic.text);
    const context = vector && semantic?.earlier && (await this.#contextOf(semantic.earlier));
    // Without its context it would serve no conversation, and crowd the index.
    if (semantic?.earlier !== undefined && context === undefined) vector = undefined;
    const entry = this.#entry(plan, answer, facts, vector && { vector, ...(context && { context }) });
    const { id: entryId, storedAt, expiresAt } = entry;
    this.#deps.kept?.({ requestId: facts.requestId, entryId, storedAt, expiresAt });
    if (vector === undefined || semantic === undefined) return store.put(entry, plan.generation);
    this.#placing.set(entry.id, false);
    try {
      await store.put(entry, plan.generation);
      const scope = indexScope(semantic.scope);
      if (this.#placing.get(entry.id) === false)
        await index.upsert(scope, entry.id, vector, { ...rowOwner(entry), expiresAt: entry.expiresAt });
      // Evicted while its vector was being placed: the removal came too early to find the vector.
      if (this.#placing.get(entry.id) === true) await index.remove(scope, entry.id);
    } finally {
      this.#placing.delete(entry.id);
    }
    this.#deps.logger.debug({ entryId: entry.id, embeddingModelId }, 'answer kept');
  }

  async #contextOf(earlier: readonly string[]): Promise<UnitVector | undefined> {
    const vectors = await Promise.all(earlier.map((text) => this.#embed(text)));
    return vectors.every((vector) => vector !== undefined) ? contextVector(vectors) : undefined;
  }

  /** An answer whose text cannot be embedded is kept for the exact tier. */
  async #embed(text: string): Promise<UnitVector | undefined> {
    try {
      return await this.#deps.gate.embed(text, { deadlineMs: this.#deps.options.writeEmbedDeadlineMs, for: 'write' });
    } catch (error) {
      this.#deps.logger.debug({ err: error }, 'an answer is kept for its exact wording only');
      return undefined;
    }
  }

  #entry(
    plan: CacheableRequest,
    answer: Answer,
    facts: KeepFacts,
    vectors: { readonly vector: UnitVector; readonly context?: UnitVector } | undefined,
  ): CacheEntry {
    const { clock, random, options, embeddingModelId } = this.#deps;
    const { semantic } = plan;
    const storedAt = clock.now();
    const { promptEvalNs, evalNs } = answer.end.timings;
    const lifeMs = this.#deps.ttlMs();
    const ttlMs = plan.volatile ? Math.min(options.volatileTtlMs, lifeMs) : lifeMs;
    return {
      id: entryId(random.id(20)),
      exactKey: plan.exactKey,
      tenant: plan.owner.tenant,
      model: plan.model,
      digest: plan.digest,
      ...(semantic &&
        vectors && {
          semantic: { scope: semantic.scope, text: semantic.text, embeddingModel: embeddingModelId, ...vectors },
        }),
      answer,
      storedAt,
      expiresAt: addMs(storedAt, Math.round(ttlMs * (1 + ttlJitter * (2 * random.float() - 1)))),
      origin: facts.requestId,
      gpuMs: Math.round((promptEvalNs + evalNs) / 1e6),
    };
  }
}

/**
 * Only what ended by itself with words: cut answers and tool calls are not answers to the question, and one
 * that ended without a reason may have been cut.
 */
export function isKeepable(answer: Answer): boolean {
  const { finishReason, reasonMissing } = answer.end;
  return finishReason === 'stop' && !reasonMissing && answer.toolCalls.length === 0 && answer.text.trim() !== '';
}

/** Token ids are counted as the eight bytes they have in memory. */
function answerBytes({ text, thinking, end }: Answer): number {
  return Buffer.byteLength(text) + Buffer.byteLength(thinking) + 8 * (end.context?.length ?? 0);
}
