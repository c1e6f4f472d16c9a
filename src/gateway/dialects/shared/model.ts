import { modelName, type ModelName } from '../../../core/ids.ts';
import type { JsonObject } from '../../../core/json.ts';
import { fieldError, optionalString } from './fields.ts';
import { modelNameCharsMax } from './limits.ts';

/**
 * The model as the client wrote it and as the system knows it; undefined when it is absent or empty,
 * because what that means differs per route.
 */
export function readModel(body: JsonObject, key = 'model'): { written: string; name: ModelName } | undefined {
  const written = optionalString(body, key, '');
  if (!written) return undefined;
  if (written.length > modelNameCharsMax) throw fieldError(key, written, `at most ${modelNameCharsMax} characters`);
  return { written, name: modelName(written) };
}
