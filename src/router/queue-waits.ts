import type { ModelName } from '../core/ids.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Models whose series are at hand. */
const seriesMax = 64;

/** How long requests waited, by model. Looking a series up costs more than adding to it, so it is kept. */
export class QueueWaits {
  readonly #metrics: Pick<Metrics, 'queueWait' | 'modelLabels'>;
  readonly #series = new Map<ModelName, { observe(seconds: number): void }>();

  constructor(metrics: Pick<Metrics, 'queueWait' | 'modelLabels'>) {
    this.#metrics = metrics;
  }

  add(model: ModelName, ms: number): void {
    let series = this.#series.get(model);
    if (series === undefined) {
      const { queueWait, modelLabels } = this.#metrics;
      series = queueWait.labels({ model: modelLabels.claim(model, [{ metric: 'queueWait', others: '' }]) });
      if (this.#series.size < seriesMax) this.#series.set(model, series);
    }
    series.observe(ms / 1000);
  }
}
