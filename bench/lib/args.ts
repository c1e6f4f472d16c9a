import { parseArgs } from 'node:util';

export interface BenchArgs {
  readonly seed: number;
  /** FILE of `--json FILE`; '-' is standard output; undefined = a table only. */
  readonly json: string | undefined;
  readonly sizes: readonly number[];
  /** Every other option, as given. */
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
}

/**
 * Options that every benchmark understands: `--seed n`, `--sizes 1k,10k,1M`, `--json FILE`.
 * @param extra names of further string options of one benchmark.
 */
export function benchArgs(defaults: { readonly sizes: string }, extra: readonly string[] = []): BenchArgs {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      sizes: { type: 'string', default: defaults.sizes },
      ...Object.fromEntries(extra.map((name) => [name, { type: 'string' as const }])),
    },
  });
  const text = values as Record<string, string | undefined>;
  const seed = Number(text['seed']);
  if (!Number.isInteger(seed)) throw new Error(`--seed is ${text['seed']}; expected an integer`);
  return { seed, json: text['json'], sizes: (text['sizes'] ?? defaults.sizes).split(',').map(parseCount), values };
}

/** `1k` → 1000, `1M` → 1000000. */
export function parseCount(text: string): number {
  const match = /^(\d+(?:\.\d+)?)([kM]?)$/.exec(text.trim());
  if (!match) throw new Error(`"${text}" is no count; expected a number such as 500, 10k or 1M`);
  return Math.round(Number(match[1]) * (match[2] === 'k' ? 1e3 : match[2] === 'M' ? 1e6 : 1));
}

/** 1000 → `1k`, 1000000 → `1M`. */
export function formatCount(count: number): string {
  if (count >= 1e6 && count % 1e5 === 0) return `${count / 1e6}M`;
  if (count >= 1e3 && count % 100 === 0) return `${count / 1e3}k`;
  return String(count);
}
