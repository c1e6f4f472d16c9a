/** What must outlive a restart: what people were told, what they silenced, and the last messages. One small file. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { EpochMs } from '../../core/units.ts';
import type { Logger } from '../logger.ts';
import type { MessageLevel } from './channel.ts';
import type { DeliveryOutcome } from './delivery.ts';
import type { Silence, Told } from './notifier.ts';

export interface HistoryEntry {
  readonly id: string;
  readonly at: EpochMs;
  readonly key: string;
  readonly status: 'firing' | 'resolved' | 'test';
  readonly level: MessageLevel;
  readonly title: string;
  readonly summary: string;
  readonly deliveries: readonly {
    readonly channel: string;
    readonly outcome: DeliveryOutcome;
    readonly error: string | undefined;
  }[];
}

export interface DeskState {
  readonly version: 1;
  readonly told: Readonly<Record<string, Told>>;
  readonly silences: readonly Silence[];
  readonly history: readonly HistoryEntry[];
}

export interface DeskFile {
  read(): DeskState | undefined;
  write(state: DeskState): void;
}

/** Without it alerts still work: they are told again after a restart. So its faults are logged and no more. */
export function createDeskFile(path: string, logger: Logger): DeskFile {
  return {
    read() {
      let text: string;
      try {
        text = readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
      try {
        const state = JSON.parse(text) as Partial<DeskState>;
        const isWhole =
          state.version === 1 &&
          typeof state.told === 'object' &&
          Array.isArray(state.silences) &&
          Array.isArray(state.history);
        if (isWhole) return state as DeskState;
      } catch {
        // Said below, together with a file of another shape.
      }
      logger.warn({ path }, 'the state of alerts cannot be read; silences and history begin anew');
      return undefined;
    },
    write(state) {
      try {
        const draft = `${path}.new`;
        writeFileSync(draft, JSON.stringify(state), { mode: 0o600 });
        renameSync(draft, path);
      } catch (error) {
        logger.warn({ err: error, path }, 'the state of alerts cannot be written');
      }
    },
  };
}
