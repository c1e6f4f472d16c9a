import { readFileSync } from 'node:fs';
import { AppError } from '../core/errors.ts';

/** @throws AppError config_invalid naming the option */
export function readSecret(option: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new AppError('config_invalid', `${option}: cannot read ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (text === '')
    throw new AppError('config_invalid', `${option}: ${path} is empty; put the secret on its first line`);
  return text;
}
