/** D04, D05: what remembers. */
import type { CallOptions } from '../../core/chat.ts';
import { fail, ok, skipped, warn, type Check } from '../check.ts';

export interface RedisLook {
  readonly address: string;
  readonly engine: string;
  readonly backend: string | undefined;
  readonly why: string;
  readonly findings: readonly {
    readonly level: 'ok' | 'warning' | 'problem';
    readonly what: string;
    readonly found: string;
    readonly remedy?: string;
  }[];
}

/** @param look undefined where no Redis is configured */
export function checkRedisStore(look: ((options: CallOptions) => Promise<RedisLook>) | undefined): Check {
  return {
    id: 'D04',
    look: async (options) => {
      if (look === undefined) return skipped('no Redis is configured; answers are kept in the data folder');
      const { address, engine, backend, why, findings } = await look(options);
      const bad = findings.filter(({ level }) => level !== 'ok');
      const evidence = `${engine} at ${address}: ${backend ?? 'no backend'}, ${why}${bad.length === 0 ? '' : `; ${bad.map(({ what, found }) => `${what}: ${found}`).join('; ')}`}`;
      const remedy = bad.flatMap((finding) => finding.remedy ?? []).join('; ') || 'run `llm-self-host redis check`';
      if (backend === undefined || bad.some(({ level }) => level === 'problem')) return fail(evidence, remedy);
      return bad.length > 0 ? warn(evidence, remedy) : ok(evidence);
    },
  };
}

export interface EmbedderLook {
  readonly id: string;
  readonly why: string;
  /** How to get a better one. */
  readonly remedy: string | undefined;
  readonly dimensions: number;
  /** Of one text. */
  readonly p95Ms: number;
  /** A vector of another length or norm, or words that fail its own pairs. */
  readonly fault: string | undefined;
}

/** A lookup has 150 ms in all. */
const slowMs = 50;

export function checkEmbedder(
  look: (options: CallOptions) => Promise<EmbedderLook>,
  fetchFiles: ((options: CallOptions) => Promise<string>) | undefined,
): Check {
  return {
    id: 'D05',
    look: async (options) => {
      const { id, why, remedy, dimensions, p95Ms, fault } = await look(options);
      const evidence = `${id}, ${dimensions} dimensions, p95 ${p95Ms.toFixed(1)} ms a text (${why})`;
      if (fault !== undefined)
        return fail(`${id}: ${fault}`, 'get its files anew: llm-self-host embedder fetch', fetchFiles);
      if (p95Ms > slowMs)
        return warn(evidence, 'lookups will miss their deadline: use another embedder, or a quicker machine for it');
      return remedy === undefined ? ok(evidence) : { ...ok(evidence), fix: remedy };
    },
  };
}
