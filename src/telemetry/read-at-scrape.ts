import type { Gauge } from 'prom-client';

/** What a room knows already, told when somebody reads the metrics: until then it costs nothing. Once for each gauge. */
export function readAtScrape(gauge: Gauge, tell: () => void): void {
  // prom-client takes it in the constructor alone, where no room is known yet.
  (gauge as Gauge & { collect?: () => void }).collect = tell;
}
