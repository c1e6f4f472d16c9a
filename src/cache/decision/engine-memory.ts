import type { EpochMs } from '../../core/units.ts';
import type { DecisionEngineOptions } from './engine-types.ts';
import type { EntryRecords } from './entry-records.ts';
import type { Groups } from './groups.ts';
import type { LabelStore } from './label-store.ts';
import type { Scores } from './scorer.ts';

/** What status and persistence need of a running engine. */
export interface EngineMemory {
  readonly space: string;
  options: DecisionEngineOptions;
  readonly labels: LabelStore;
  readonly entries: EntryRecords;
  readonly groups: Groups;
  scores: Scores;
  requests: number;
  hits: number;
  /** Audits asked for among hits. */
  auditsOfHits: number;
  firedAt: EpochMs | undefined;
}
