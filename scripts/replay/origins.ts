/** Asks the operator port which request made each stored answer that was served. */
import { isHit, type Outcome } from './score.ts';

export interface EntryFacts {
  /** Id of the request that made the entry. */
  readonly origin: string;
  /** The question as it was asked then, where the entry serves other wordings. */
  readonly text: string | undefined;
}

export interface KnownOrigins {
  readonly facts: ReadonlyMap<string, EntryFacts>;
  /** Why some are missing, for a person. */
  readonly problem: string | undefined;
}

/** Lookups at a time: a local service, but not only ours. */
const concurrency = 8;

export async function readOrigins(
  adminUrl: string,
  outcomes: readonly Outcome[],
  adminKey: string | undefined,
): Promise<KnownOrigins> {
  const ids = new Set<string>();
  for (const { kind, entryId } of outcomes) if (isHit(kind) && entryId !== undefined) ids.add(entryId);
  const facts = new Map<string, EntryFacts>();
  const waiting = [...ids].values();
  let problem: string | undefined;
  const worker = async () => {
    for (const id of waiting) {
      if (problem !== undefined) return;
      try {
        const response = await fetch(new URL(`/api/cache/entries/${encodeURIComponent(id)}`, adminUrl), {
          headers: adminKey === undefined ? {} : { authorization: `Bearer ${adminKey}` },
        });
        // 404: evicted or replaced since; the answer's text tells instead.
        if (response.status === 404) await response.body?.cancel();
        else if (response.ok) {
          const { origin, semantic } = (await response.json()) as { origin: string; semantic?: { text: string } };
          facts.set(id, { origin, text: semantic?.text });
        } else problem = `the operator port answers ${response.status}`;
      } catch (error) {
        problem = `the operator port ${adminUrl} does not answer (${(error as Error).message})`;
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return {
    facts,
    problem:
      problem && `${problem}; hits are judged by the text of their answer instead. Name the port with --admin-url.`,
  };
}
