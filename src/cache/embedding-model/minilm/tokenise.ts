import { Tokenizer } from '@huggingface/tokenizers';

export interface PieceTokenizer {
  /** Ids of the word-pieces with [CLS] and [SEP], at most the window. */
  encode(text: string): readonly number[];
}

/**
 * @param tokenizerJson content of a `tokenizer.json`. Its padding and truncation are dropped: the one of
 * all-MiniLM-L6-v2 pads every text to 128 pieces, which costs six times the inference, and cuts at 128.
 * @param windowPieces of the model; a longer text keeps its beginning and its closing [SEP].
 */
export function createPieceTokenizer(tokenizerJson: string, windowPieces: number): PieceTokenizer {
  const definition = JSON.parse(tokenizerJson) as Record<string, unknown>;
  const tokenizer = new Tokenizer({ ...definition, padding: null, truncation: null }, {});
  return {
    encode(text) {
      const { ids } = tokenizer.encode(text);
      if (ids.length <= windowPieces) return ids;
      const cut = ids.slice(0, windowPieces);
      cut[windowPieces - 1] = ids.at(-1)!;
      return cut;
    },
  };
}
