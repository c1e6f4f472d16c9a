/** Embedders to try; each text is embedded once. */
import { createLexicalEmbedding } from '../../src/cache/embedding-model/lexical.ts';
import { createMiniLmEmbedding } from '../../src/cache/embedding-model/minilm.ts';
import type { EmbeddingModel } from '../../src/cache/embedding-model.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { UnitVector } from '../../src/core/vector.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

export interface NamedEmbedder {
  readonly name: string;
  readonly id: string;
  embedAll(texts: readonly string[]): Promise<readonly UnitVector[]>;
  close(): Promise<void>;
}

/** @param minilmFolder where its files are; undefined = the lexical one alone. */
export async function openEmbedders(minilmFolder: string | undefined): Promise<NamedEmbedder[]> {
  const models: EmbeddingModel[] = [createLexicalEmbedding()];
  if (minilmFolder !== undefined) {
    const logger = createLogger('warn');
    models.push(await createMiniLmEmbedding({ folder: minilmFolder, clock: systemClock, logger, deadlineMs: 600_000 }));
  }
  return models.map((model) => ({
    name: model.kind,
    id: model.id,
    async embedAll(texts) {
      const vectors: UnitVector[] = [];
      const signal = new AbortController().signal;
      for (let at = 0; at < texts.length; at += model.maxBatch) {
        vectors.push(...(await model.embed(texts.slice(at, at + model.maxBatch), { signal })));
      }
      return vectors;
    },
    close: () => model.close(),
  }));
}
