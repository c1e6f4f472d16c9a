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

/** What one route tells, asked for when the component comes, when the path changes, and on `reload`. */
export function useResource<T>(path: string | undefined): Resource<T> {
  const held = useSignal<Held<T> | undefined>(undefined);
  const trouble = useSignal('');
  const isLoading = useSignal(path !== undefined);
  const turn = useSignal(0);
  const now = turn.value;
  useEffect(() => {
    if (path === undefined) return;
    let isGone = false;
    isLoading.value = true;
    poll<T>(path, undefined)
      .then(
        ({ value, at }) => {
          if (isGone) return;
          held.value = { value: value!, at, heardAtMs: performance.now() };
          trouble.value = '';
        },
        (error: unknown) => {
          if (!isGone) trouble.value = wordsOf(error);
        },
      )
      .finally(() => {
        if (!isGone) isLoading.value = false;
      });
    return () => {
      isGone = true;
    };
  }, [path, now]);
  return {
    held: held.value,
    trouble: trouble.value,
    isLoading: isLoading.value,
    reload: () => void (turn.value += 1),
  };
}
