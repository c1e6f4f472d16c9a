/** What is known of embedding models that servers commonly offer. */
export interface KnownModel {
  readonly dimensions: number;
  /** See `defaultSimilarityMin`; models whose cosines crowd near 1 need more. */
  readonly similarityMin: number;
  /** Word-pieces of its window. */
  readonly windowPieces: number;
}

const known: Readonly<Record<string, KnownModel>> = {
  'all-minilm': { dimensions: 384, similarityMin: 0.95, windowPieces: 256 },
  'nomic-embed-text': { dimensions: 768, similarityMin: 0.96, windowPieces: 2048 },
  'mxbai-embed-large': { dimensions: 1024, similarityMin: 0.96, windowPieces: 512 },
  'bge-m3': { dimensions: 1024, similarityMin: 0.96, windowPieces: 2048 },
  embeddinggemma: { dimensions: 768, similarityMin: 0.96, windowPieces: 2048 },
  'text-embedding-3-small': { dimensions: 1536, similarityMin: 0.95, windowPieces: 2048 },
  'text-embedding-3-large': { dimensions: 3072, similarityMin: 0.95, windowPieces: 2048 },
};

/** For a model nobody has looked at: only near-duplicates. */
const unknownSimilarityMin = 0.97;

/** The smallest window in common use: a text that fits it fits any of them. */
const unknownWindowPieces = 256;

/**
 * @param model name as the server knows it, with or without a tag.
 * @returns what to assume; `dimensions` is undefined for an unknown model.
 */
export function knownModel(model: string): Partial<KnownModel> & Omit<KnownModel, 'dimensions'> {
  const name = model.slice(model.lastIndexOf('/') + 1).split(':')[0]!;
  // `all-minilm:33m` and the like are other models under the same name.
  const sameModel = /^[^:]+(:latest|:22m|:v1\.5|:335m|:567m|:300m)?$/.test(model.slice(model.lastIndexOf('/') + 1));
  const entry = sameModel ? known[name] : undefined;
  return entry ?? { similarityMin: unknownSimilarityMin, windowPieces: unknownWindowPieces };
}
