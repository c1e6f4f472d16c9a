import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { poll, wordsOf } from '../api.ts';
import type { Held } from '../live.ts';

export interface Resource<T> {
  readonly held: Held<T> | undefined;
  /** Why there is nothing, or nothing newer. */
  readonly trouble: string;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/** What is too dear to be told every few seconds: reports over weeks, lists of hundreds. */
const keptEveryMs = 60_000;

/**
 * What one route tells, asked for when the component comes, when the path changes, and on `reload`.
 * @param mode `kept`: asked for again every minute while somebody looks; `once`: it held when it was asked for, and says so
 */
export function useResource<T>(path: string | undefined, mode: 'kept' | 'once' = 'kept'): Resource<T> {
  const held = useSignal<Held<T> | undefined>(undefined);
  const trouble = useSignal('');
  const isLoading = useSignal(path !== undefined);
  const turn = useSignal(0);
  const now = turn.value;
  useEffect(() => {
    if (path === undefined) return;
    let isGone = false;
    let etag: string | undefined;
    async function ask(): Promise<void> {
      try {
        const fresh = await poll<T>(path!, etag);
        if (isGone) return;
        // The first reply is whole, and a later one without a value says that this is still so.
        const value = fresh.value ?? held.value?.value;
        etag = fresh.etag;
        held.value = {
          value: value as T,
          at: fresh.at,
          heardAtMs: performance.now(),
          staleAfterMs: mode === 'once' ? Infinity : keptEveryMs * 2.5,
        };
        trouble.value = '';
      } catch (error) {
        if (!isGone) trouble.value = wordsOf(error);
      } finally {
        if (!isGone) isLoading.value = false;
      }
    }
    isLoading.value = true;
    void ask();
    const timer =
      mode === 'once' ? undefined : window.setInterval(() => void (document.hidden ? undefined : ask()), keptEveryMs);
    return () => {
      isGone = true;
      window.clearInterval(timer);
    };
  }, [path, now]);
  return {
    held: held.value,
    trouble: trouble.value,
    isLoading: isLoading.value,
    reload: () => void (turn.value += 1),
  };
}
