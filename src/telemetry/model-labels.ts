/** Keeps names of models from growing the metrics: which of them get a label of their own. */
import { modelValues, type MetricDefinition } from './metrics/definition.ts';

/** Other label values of one label set, in any fixed order; they only have to tell sets apart. */
export interface SeriesClaim {
  readonly metric: string;
  readonly others: string;
}

export interface ModelLabels {
  /**
   * The label under which the sets of series in `claims` may be counted: the name, or `other` when too many
   * names have one or the series are used up. The same answer for the same question, for the life of the process.
   */
  claim(model: string, claims: readonly SeriesClaim[]): string;
}

export const otherModel = 'other';

/**
 * Twenty models on three routes fit with room to spare; twenty on seven routes with every kind of failure do
 * not. So names are counted, and so are the series: what all metrics without models and `other` can come to is
 * set aside, and the names share the rest.
 */
export function createModelLabels(table: Readonly<Record<string, MetricDefinition>>, seriesMax: number): ModelLabels {
  const definitions = Object.values(table);
  const reserved = definitions.reduce((sum, each) => sum + setsWithoutModel(each) * seriesOfSet(each), 0);
  let left = seriesMax - reserved;
  if (left < 0) throw new RangeError(`${reserved} series are possible without models, more than ${seriesMax}`);
  const names = new Set<string>();
  const claimed = new Set<string>();

  return {
    claim(model, claims) {
      if (model === otherModel) return model;
      if (!names.has(model) && names.size >= modelValues.max - 1) return otherModel;
      const fresh = claims.filter(({ metric, others }) => !claimed.has(keyOf(model, metric, others)));
      if (fresh.length === 0) return model;
      const cost = fresh.reduce((sum, { metric }) => sum + seriesOfSet(table[metric]!), 0);
      if (cost > left) return otherModel;
      left -= cost;
      names.add(model);
      for (const { metric, others } of fresh) claimed.add(keyOf(model, metric, others));
      return model;
    },
  };
}

const keyOf = (model: string, metric: string, others: string): string => `${metric}|${others}|${model}`;

/** A histogram has its buckets, `+Inf`, a sum and a count. */
export const seriesOfSet = ({ buckets }: MetricDefinition): number => (buckets === undefined ? 1 : buckets.length + 3);

/** Label sets with the model `other`, or without models. */
function setsWithoutModel({ labels }: MetricDefinition): number {
  return Object.values(labels).reduce((product, values) => {
    if (values === modelValues) return product;
    return product * ('max' in values ? values.max : values.length);
  }, 1);
}
