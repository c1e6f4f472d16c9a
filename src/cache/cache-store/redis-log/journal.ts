/** Invalidations that Redis has not confirmed. Until it has, nothing they are about is served by this gateway. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { EntryId, ExactKey, Scope, TenantId } from '../../../core/ids.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { selectorsOf, type Selector } from './keys.ts';

export type Owed =
  | { readonly kind: 'selector'; readonly selector: Selector; readonly least: number }
  | { readonly kind: 'entry'; readonly key: ExactKey; readonly id: EntryId };

/** More of them than this become one invalidation of everything. */
export const owedMax = 1_000;

export class InvalidationJournal {
  readonly #path: string | undefined;
  readonly #logger: Logger;
  #owed = new Map<string, Owed>();

  /** @param path undefined keeps it in memory only */
  constructor(path: string | undefined, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
    for (const each of readOwed(path, logger)) this.#owed.set(nameOf(each), each);
  }

  get size(): number {
    return this.#owed.size;
  }

  owed(): readonly Owed[] {
    return [...this.#owed.values()];
  }

  add(owed: Owed): void {
    if (this.#owed.size >= owedMax && !this.#owed.has(nameOf(owed))) {
      this.#owed = new Map([['*', { kind: 'selector', selector: '*', least: 0 }]]);
    } else this.#owed.set(nameOf(owed), owed);
    this.#save();
  }

  settled(owed: Owed): void {
    if (this.#owed.delete(nameOf(owed))) this.#save();
  }

  blocks(key: ExactKey, id: EntryId, tenant: TenantId, scope: Scope | undefined): boolean {
    if (this.#owed.size === 0) return false;
    const entry = this.#owed.get(`e:${id}`);
    if (entry?.kind === 'entry' && entry.key === key) return true;
    return selectorsOf(tenant, scope).some((selector) => this.#owed.has(selector));
  }

  #save(): void {
    if (this.#path === undefined) return;
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      writeFileSync(`${this.#path}.new`, JSON.stringify(this.owed()), { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    } catch (error) {
      this.#logger.error({ err: error }, 'invalidations that Redis has not confirmed are kept in memory only');
    }
  }
}

const nameOf = (owed: Owed): string => (owed.kind === 'selector' ? owed.selector : `e:${owed.id}`);

function isOwed(each: unknown): each is Owed {
  if (typeof each !== 'object' || each === null) return false;
  const { kind, selector, key, id } = each as Readonly<Record<string, unknown>>;
  return kind === 'selector' ? typeof selector === 'string' : typeof key === 'string' && typeof id === 'string';
}

function readOwed(path: string | undefined, logger: Logger): readonly Owed[] {
  if (path === undefined) return [];
  try {
    const owed: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (!Array.isArray(owed) || !owed.every(isOwed)) throw new Error('it is not a list of invalidations');
    return owed;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    logger.error({ err: error, path }, 'the journal of invalidations cannot be read; everything stored is invalidated');
    // What it said is unknown: the only safe reading is all of it.
    return [{ kind: 'selector', selector: '*', least: 0 }];
  }
}
