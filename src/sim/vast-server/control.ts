/** What a test or a demonstration in another process may do to the world: `/sim/…`. No part of the market's API. */
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { Economy } from '../world/economy.ts';
import type { WorldFault } from '../world/faults.ts';
import { ApiError } from './http.ts';

export function controlRoutes(economy: Economy): Readonly<Record<string, (body: JsonObject) => JsonValue>> {
  return {
    'POST /sim/fault': (body) => {
      try {
        economy.inject(body as unknown as WorldFault);
      } catch (error) {
        throw new ApiError(400, 'invalid_args', error instanceof Error ? error.message : String(error));
      }
      return { success: true };
    },
    'GET /sim/instances': () => ({ instances: economy.views() as unknown as JsonValue }),
    'GET /sim/history': () => ({ instances: economy.history() as unknown as JsonValue }),
    'GET /sim/bill': () => economy.bill() as unknown as JsonValue,
    'GET /sim/now': () => ({ now: economy.clock.now() }),
  };
}
