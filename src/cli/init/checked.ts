/** What steps share. */
import { readFileSync } from 'node:fs';
import { CliError } from '../context.ts';
import type { Outside } from './outside.ts';
import type { Ui } from './ui.ts';

export interface StepDeps {
  readonly ui: Ui;
  readonly outside: Outside;
}

/** Asks again while a person can mend it; what came as an option cannot be asked again. */
export async function untilGood<T>(ui: Ui, wasGiven: boolean, act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const isExpected = error instanceof CliError || (error instanceof Error && error.name === 'AppError');
      if (!isExpected || wasGiven || ui.kind === 'unattended') throw error;
      ui.warn(error.message);
    }
  }
}

/** @throws CliError */
export function secretIn(option: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new CliError(`${option}: cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  if (text === '') throw new CliError(`${option}: ${path} is empty; put the secret on its first line`);
  return text;
}
