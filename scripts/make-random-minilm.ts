/**
 * Writes a small BERT with random weights, in the files of all-MiniLM-L6-v2: proves loading, tokenising,
 * pooling and batching where the real weights cannot be had. Its vectors mean nothing.
 *
 *   node scripts/make-random-minilm.ts FOLDER [--seed 1] [--hidden 384] [--layers 2] [--heads 4]
 */
import { parseArgs } from 'node:util';
import { writeRandomMiniLm } from '../src/testing/random-minilm/write-random-minilm.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    hidden: { type: 'string', default: '384' },
    layers: { type: 'string', default: '2' },
    heads: { type: 'string', default: '4' },
  },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error('usage: node scripts/make-random-minilm.ts FOLDER [--seed 1] [--hidden 384] [--layers 2] [--heads 4]');
  process.exit(2);
}
const written = await writeRandomMiniLm(folder, {
  seed: Number(values.seed),
  hidden: Number(values.hidden),
  layers: Number(values.layers),
  heads: Number(values.heads),
});
console.log(`${written.modelFile}\n${written.tokenizerFile}\nrandom weights: vectors have no meaning`);
