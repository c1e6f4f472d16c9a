/** What rooms tell when it happens, for whoever has to be told. Metrics say how things stand; events say what was done. */
import type { UsdMicros } from '../core/units.ts';

export type RoomEvent =
  | {
      readonly kind: 'budget-alert';
      readonly period: 'day' | 'month';
      /** Of the cap, that has been passed. */
      readonly share: number;
      readonly spent: UsdMicros;
      readonly cap: UsdMicros;
    }
  | { readonly kind: 'budget-stop'; readonly reason: string }
  | { readonly kind: 'provider-refused'; readonly reason: string }
  | { readonly kind: 'machine-lost'; readonly label: string; readonly reason: string }
  | { readonly kind: 'machine-unfit'; readonly label: string; readonly reason: string }
  | { readonly kind: 'orphan-found'; readonly label: string }
  | { readonly kind: 'meter-drift'; readonly charged: UsdMicros; readonly metered: UsdMicros };

export interface Events {
  /** Returns at once; a listener that throws is its own fault and is logged, not the teller's. */
  emit(event: RoomEvent): void;
  /** @returns what ends it */
  on(listener: (event: RoomEvent) => void): () => void;
}

export function createEvents(failed: (error: unknown) => void): Events {
  const listeners = new Set<(event: RoomEvent) => void>();
  return {
    emit(event) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          failed(error);
        }
      }
    },
    on(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
