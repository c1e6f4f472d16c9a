/** What GPUs do and hold, told when somebody reads it: what is not known has no value, and a slot that is empty none. */
import type { ThinkerId } from '../core/ids.ts';
import type { GpuUse } from '../fleet/fleet-provider.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { readAtScrape } from '../telemetry/read-at-scrape.ts';
import type { ThinkerPool, ThinkerView } from '../thinkers/thinker.ts';

export interface GpuGaugeDeps {
  readonly metrics: Pick<Metrics, 'thinkerGpuUtilization' | 'thinkerVramUsed'>;
  readonly pool: Pick<ThinkerPool, 'views'>;
  /** Of the machine under a rented thinker. */
  readonly gpuUse: (thinker: ThinkerId) => GpuUse | undefined;
}

export function createGpuGauges({ metrics, pool, gpuUse }: GpuGaugeDeps): void {
  const tell = (gauge: Metrics['thinkerVramUsed'], valueOf: (view: ThinkerView) => number | undefined): void =>
    readAtScrape(gauge, () => {
      gauge.reset();
      for (const view of pool.views()) {
        const value = valueOf(view);
        if (value !== undefined) gauge.set({ slot: view.slot }, value);
      }
    });
  tell(metrics.thinkerGpuUtilization, ({ id }) => gpuUse(id)?.utilizationRatio);
  // What others hold on the same card is in the provider's figure alone.
  tell(metrics.thinkerVramUsed, ({ id, vramUsedBytes }) => gpuUse(id)?.vramUsedBytes ?? vramUsedBytes);
}
