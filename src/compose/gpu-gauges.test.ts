import assert from 'node:assert/strict';
import { it } from 'node:test';
import { thinkerId } from '../core/ids.ts';
import type { GpuUse } from '../fleet/fleet-provider.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import type { ThinkerView } from '../thinkers/thinker.ts';
import { createGpuGauges } from './gpu-gauges.ts';

const aView = (slot: string, vramUsedBytes: number | undefined): ThinkerView =>
  ({ id: thinkerId(`thinker-${slot}`), slot, vramUsedBytes }) as ThinkerView;

it('tells by slot what is known, prefers what the provider says, and forgets a slot that is empty', async () => {
  const metrics = createMetrics();
  const uses: Record<string, GpuUse | undefined> = {
    'thinker-t1': { utilizationRatio: 0.72, vramUsedBytes: 9e9, vramBytes: 24e9 },
    'thinker-t2': { utilizationRatio: undefined, vramUsedBytes: undefined, vramBytes: 24e9 },
  };
  let views = [aView('t1', 5e9), aView('t2', 6e9), aView('t3', 0), aView('t4', undefined)];
  createGpuGauges({ metrics, pool: { views: () => views }, gpuUse: (id) => uses[id] });
  const told = async () =>
    (await metrics.registry.metrics())
      .split('\n')
      .filter((line) => /^selfhost_thinker_(gpu|vram)/.test(line))
      .map((line) => line.replace('selfhost_thinker_', ''));

  assert.deepEqual(await told(), [
    'gpu_utilization_ratio{slot="t1"} 0.72',
    'vram_used_bytes{slot="t1"} 9000000000',
    'vram_used_bytes{slot="t2"} 6000000000',
    'vram_used_bytes{slot="t3"} 0',
  ]);
  views = [aView('t2', undefined)];
  assert.deepEqual(await told(), []);
});
