/** A folder that looks like all-MiniLM-L6-v2, with a small vocabulary and random weights: the machinery is real, the meaning is not. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bertToOnnx, randomBert, type BertGraphOptions, type BertWeights } from './bert.ts';

export interface RandomMiniLmOptions extends Partial<BertGraphOptions> {
  readonly seed?: number;
  readonly hidden?: number;
  readonly layers?: number;
  readonly heads?: number;
  /** Where the weights go, in the folder. */
  readonly modelPath?: string;
}

export interface RandomMiniLm {
  readonly weights: BertWeights;
  readonly vocabulary: readonly string[];
  readonly modelFile: string;
  readonly tokenizerFile: string;
}

const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'.split('');
const words = (
  'the of and to in is how do what can you my best for are why does get make it be on with between from like time ' +
  'people water city capital france egg boil learn python work table window river question answer long way play'
).split(' ');
const endings = 'ing ed er ly s es tion al en est able ment ness ful'.split(' ');

/** Pieces by id: marks, letters and digits alone and inside a word, some words and endings. */
export const smallVocabulary: readonly string[] = [
  ...special,
  ...'.,!?-\'"()/:;'.split(''),
  ...letters,
  ...letters.map((letter) => `##${letter}`),
  ...words,
  ...endings.map((ending) => `##${ending}`),
];

/** @returns what was written, so that a test can compute the same without ONNX. Takes half a second at the defaults. */
export async function writeRandomMiniLm(folder: string, options: RandomMiniLmOptions = {}): Promise<RandomMiniLm> {
  const hidden = options.hidden ?? 384;
  const weights = randomBert(
    {
      vocabulary: smallVocabulary.length,
      hidden,
      layers: options.layers ?? 2,
      heads: options.heads ?? 4,
      feedForward: hidden,
      positions: 512,
    },
    options.seed ?? 1,
  );
  const modelFile = join(folder, options.modelPath ?? 'onnx/model_quantized.onnx');
  const tokenizerFile = join(folder, 'tokenizer.json');
  await mkdir(dirname(modelFile), { recursive: true });
  await writeFile(
    modelFile,
    bertToOnnx(weights, { tokenTypes: options.tokenTypes ?? true, output: options.output ?? 'last_hidden_state' }),
  );
  await writeFile(tokenizerFile, JSON.stringify(tokenizerDefinition()));
  return { weights, vocabulary: smallVocabulary, modelFile, tokenizerFile };
}

/** Declares a fixed padding and a short truncation like the published file; who honours them fails the comparison. */
function tokenizerDefinition(): object {
  const id = (piece: string): number => smallVocabulary.indexOf(piece);
  return {
    version: '1.0',
    truncation: { direction: 'Right', max_length: 128, strategy: 'LongestFirst', stride: 0 },
    padding: {
      strategy: { Fixed: 128 },
      direction: 'Right',
      pad_to_multiple_of: null,
      pad_id: 0,
      pad_type_id: 0,
      pad_token: '[PAD]',
    },
    added_tokens: special.map((content) => ({
      id: id(content),
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((piece) => [piece, { id: piece, ids: [id(piece)], tokens: [piece] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(smallVocabulary.map((piece, at) => [piece, at])),
    },
  };
}
