/**
 * The index behind the alias: made when it is missing and we may, found when somebody else made it, moved from FLAT to
 * HNSW when it has grown. Never dropped on the way of a request, and never dropped to be made again.
 */
import { hash } from 'node:crypto';
import type { Clock, Timer } from '../../../core/clock.ts';
import { RedisReplyError, type RedisConnection, type RedisReply } from '../../../redis/redis-connection.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { parseIndexInfo, type IndexInfo } from './search-reply.ts';

export interface IndexKeeperDeps {
  readonly connection: RedisConnection;
  readonly prefix: string;
  readonly embeddingModelId: string;
  readonly dimensions: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Documents above which the graph is worth its dearer inserts. */
  readonly hnswFrom: number;
}

export type IndexState =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ready'; readonly name: string; readonly algorithm: string; readonly documents: number }
  /** There is no index, and this user may not make one. */
  | { readonly kind: 'missing'; readonly why: string; readonly remedy: string }
  /** The server has no Query Engine (any more). */
  | { readonly kind: 'absent'; readonly why: string };

/** Raised when fields change: an old and a new gateway then have an index each, over the same rows. */
const schemaVersion = 1;
/** Making an index and asking about it happen beside requests. */
const adminDeadlineMs = 5_000;
const lookEveryMs = 30_000;

export class IndexKeeper {
  readonly #deps: IndexKeeperDeps;
  /** What FT.SEARCH is given. */
  readonly alias: string;
  /** Every row's key begins with it. */
  readonly rowPrefix: string;
  readonly #names: { readonly flat: string; readonly hnsw: string };
  #state: IndexState = { kind: 'unknown' };
  #working: Promise<void> | undefined;
  #timer: Timer;
  #info: IndexInfo | undefined;

  constructor(deps: IndexKeeperDeps) {
    this.#deps = deps;
    const { prefix, embeddingModelId, dimensions } = deps;
    const embedder = hash('sha256', embeddingModelId, 'hex').slice(0, 8);
    const stem = `${prefix}:${schemaVersion}:${embedder}:${dimensions}`;
    this.#names = { flat: `${stem}:flat`, hnsw: `${stem}:hnsw` };
    this.alias = `${prefix}:live:${embedder}:${dimensions}`;
    // The embedder is part of it: vectors of another length would count as failures of the index.
    this.rowPrefix = `${prefix}v:${embedder}:`;
    this.#timer = deps.clock.every(lookEveryMs, () => void this.look());
  }

  get state(): IndexState {
    return this.#state;
  }

  get info(): IndexInfo | undefined {
    return this.#info;
  }

  /** Finds the index or makes it, and lets it grow into a graph. Joins a look that is running. Never rejects. */
  look(): Promise<void> {
    this.#working ??= this.#look()
      .catch((error: unknown) => {
        if (error instanceof RedisReplyError) this.#refused(error);
        else this.#deps.logger.debug({ err: error }, 'the search index cannot be looked at now');
      })
      .finally(() => (this.#working = undefined));
    return this.#working;
  }

  /** A command of a request was refused: what does that say about the index? */
  doubt(error: RedisReplyError): void {
    if (isUnknownCommand(error)) this.#state = { kind: 'absent', why: error.message.slice(0, 80) };
    else if (isNoIndex(error)) {
      // Flushed, or never there: nobody need wait for the next round.
      this.#state = { kind: 'unknown' };
      void this.look();
    }
  }

  stop(): void {
    this.#timer.clear();
  }

  async #look(): Promise<void> {
    const { logger, hnswFrom } = this.#deps;
    let info = await this.#inform(this.alias);
    if (info === undefined) {
      await this.#make('flat');
      info = (await this.#inform(this.alias)) ?? (await this.#inform(this.#names.flat));
    }
    if (info === undefined) return;
    this.#found(info);
    if (info.algorithm !== 'FLAT' || info.documents < hnswFrom) return;
    logger.info(
      { documents: info.documents },
      'the search index becomes a graph (HNSW); the old one serves until it is built',
    );
    await this.#make('hnsw');
    const graph = await this.#inform(this.#names.hnsw);
    if (graph === undefined || graph.indexing || graph.documents < info.documents * 0.99) return;
    await this.#ask('FT.ALIASUPDATE', this.alias, this.#names.hnsw);
    this.#found(graph);
    // Behind the alias nobody sees it any more. Active-Active refuses this, and then it stays.
    await this.#ask('FT.DROPINDEX', this.#names.flat).catch(() => {});
    logger.info({ documents: graph.documents }, 'the search index is a graph (HNSW)');
  }

  /** @returns undefined when there is no such index; without the right to ask, what we would have made. */
  async #inform(name: string): Promise<IndexInfo | undefined> {
    try {
      return parseIndexInfo(await this.#ask('FT.INFO', name));
    } catch (error) {
      if (!(error instanceof RedisReplyError)) throw error;
      if (isNoIndex(error)) return undefined;
      if (error.kind !== 'NOPERM') throw error;
      // Some credentials may search and not ask. A search shows whether it is there.
      await this.#ask('FT.SEARCH', name, '*', 'LIMIT', '0', '0', 'DIALECT', '2').catch((refused: unknown) => {
        if (refused instanceof RedisReplyError && isNoIndex(refused)) return;
        throw refused;
      });
      return {
        name,
        documents: 0,
        indexing: false,
        algorithm: '',
        dimensions: undefined,
        failures: 0,
        vectorBytes: undefined,
      };
    }
  }

  async #make(kind: 'flat' | 'hnsw'): Promise<void> {
    const name = this.#names[kind];
    try {
      await this.#ask('FT.CREATE', ...this.definition(kind));
    } catch (error) {
      if (!(error instanceof RedisReplyError)) throw error;
      if (!/already exists/i.test(error.message)) throw error;
    }
    if (kind === 'hnsw') return;
    try {
      await this.#ask('FT.ALIASADD', this.alias, name);
    } catch (error) {
      if (!(error instanceof RedisReplyError)) throw error;
      if (!/already exists/i.test(error.message)) throw error;
    }
  }

  /** Behind FT.CREATE; also for an administrator who makes it by hand. */
  definition(kind: 'flat' | 'hnsw'): readonly string[] {
    const shape = `TYPE FLOAT32 DIM ${this.#deps.dimensions} DISTANCE_METRIC COSINE`;
    const vector = kind === 'flat' ? `FLAT 6 ${shape}` : `HNSW 10 ${shape} M 16 EF_CONSTRUCTION 200`;
    const tags = ['scope', 'tenant', 'model', 'emb'].map((name) => `${name} TAG CASESENSITIVE`).join(' ');
    // No name in it has a space: the prefix is checked when the configuration is read.
    return `${this.#names[kind]} ON HASH PREFIX 1 ${this.rowPrefix} SCHEMA ${tags} exp NUMERIC vec VECTOR ${vector}`.split(
      ' ',
    );
  }

  #found(info: IndexInfo): void {
    this.#info = info;
    if (info.dimensions !== undefined && info.dimensions !== this.#deps.dimensions) {
      const why = `the index ${info.name} holds vectors of ${info.dimensions} dimensions, and the embedder makes ${this.#deps.dimensions}`;
      this.#state = { kind: 'missing', why, remedy: `drop the alias ${this.alias}` };
      return;
    }
    this.#state = { kind: 'ready', name: info.name, algorithm: info.algorithm, documents: info.documents };
  }

  #refused(error: RedisReplyError): void {
    if (isUnknownCommand(error)) this.#state = { kind: 'absent', why: error.message.slice(0, 80) };
    else if (error.kind === 'NOPERM') {
      const remedy = `give the user +ft.create +ft.aliasadd, or make it once: FT.CREATE ${this.definition('flat').join(' ')} and FT.ALIASADD ${this.alias} ${this.#names.flat}`;
      if (this.#state.kind !== 'missing')
        this.#deps.logger.error(
          { why: error.message, remedy },
          'there is no search index, and this user may not make it',
        );
      this.#state = { kind: 'missing', why: error.message, remedy };
    } else this.#deps.logger.warn({ why: error.message }, 'the search index cannot be kept');
  }

  #ask(...command: readonly [string, ...string[]]): Promise<RedisReply> {
    // FT.* may hang for ever when a shard is dead: nothing here is asked without an end.
    return this.#deps.connection.call(command, { as: 'read', deadlineMs: adminDeadlineMs });
  }
}

/** Without `ERR`, and in two forms: the text is all there is to go by. */
export const isNoIndex = ({ message }: RedisReplyError): boolean => /no such index|unknown index name/i.test(message);
export const isUnknownCommand = ({ message }: RedisReplyError): boolean => /^ERR unknown command/i.test(message);
