import type { Registry } from 'prom-client';
import type { Sample } from './watch.ts';

/** The values of these metrics as they would be scraped. */
export async function readSamples(
  registry: Pick<Registry, 'getSingleMetric'>,
  names: readonly string[],
): Promise<readonly Sample[]> {
  const read = names.map(async (name) => {
    const metric = registry.getSingleMetric(name);
    if (metric === undefined) return [];
    const { values } = (await metric.get()) as unknown as { readonly values: readonly RawValue[] };
    return values.map(({ metricName = name, labels, value }) => ({ name: metricName, labels, value }));
  });
  return (await Promise.all(read)).flat();
}

interface RawValue {
  /** With the suffix, where it is a histogram. */
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}
