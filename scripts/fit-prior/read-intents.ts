/** Reads the intent collections that shipped numbers may be counted from. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface IntentText {
  readonly text: string;
  /** With its collection, as intents of two collections are never the same. */
  readonly intent: string;
}

/** Folds above are kept for validation. */
const trainingFoldMax = 6;

/** Banking77 (CC BY 4.0) and CLINC150 (CC BY 3.0), training folds only; CLINC's out-of-scope texts have no intent. */
export function readIntents(folder: string): IntentText[] {
  return ['banking77', 'clinc150'].flatMap((name) =>
    readJsonLines<{ text: string; intent: string; fold: number }>(join(folder, `intents-${name}.jsonl.gz`))
      .filter(({ fold, intent }) => fold <= trainingFoldMax && intent !== 'oos')
      .map(({ text, intent }) => ({ text, intent: `${name}:${intent}` })),
  );
}

export function readJsonLines<T>(path: string): T[] {
  return gunzipSync(readFileSync(path))
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
