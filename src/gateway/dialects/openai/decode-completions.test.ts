import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type OpenAI from 'openai';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../../core/json.ts';
import { ollamaGenerateCodec } from '../ollama/codecs.ts';
import { openaiCompletionsCodec, openaiEmbeddingsCodec } from './codecs.ts';

const complete = (fields: JsonObject = {}) => openaiCompletionsCodec.decode({ model: 'm', prompt: 'once', ...fields });
const embed = (fields: JsonObject = {}) => openaiEmbeddingsCodec.decode({ model: 'e', input: 'a', ...fields });

const refuses = (decode: () => unknown, message: RegExp, param: string) =>
  assert.throws(decode, (error) => {
    assert.ok(error instanceof AppError);
    assert.match(error.message, message);
    assert.deepEqual([error.status, error.param], [400, param]);
    return true;
  });

describe('OpenAI completions request', () => {
  it('is the same question as its native twin', () => {
    const { request, stream } = complete({ suffix: 'end', max_tokens: 5, temperature: 0, stop: 'x' });
    assert.equal(stream, false);
    const options = { num_predict: 5, temperature: 0, stop: ['x'] };
    assert.deepEqual(
      request,
      ollamaGenerateCodec.decode({ model: 'm', prompt: 'once', suffix: 'end', options }).request,
    );
  });

  it('takes an array of one prompt, and harmless defaults', () => {
    const defaults = { n: 1, best_of: 1, echo: false, logprobs: null, user: 'u', suffix: '' };
    assert.deepEqual(complete({ prompt: ['once'], ...defaults }).request, complete().request);
  });

  it('reads logprobs as a number of alternatives', () => {
    const { request } = complete({ logprobs: 2 });
    assert.deepEqual([request.logprobs, request.topLogprobs], [true, 2]);
    assert.deepEqual(
      [complete({ logprobs: 0 }).request.logprobs, complete({ logprobs: 0 }).request.topLogprobs],
      [true, undefined],
    );
  });

  const cases: readonly [string, JsonObject, RegExp, string][] = [
    ['no model', { model: null }, /^model is required$/, 'model'],
    ['no prompt', { prompt: null }, /^prompt is empty/, 'prompt'],
    ['an empty prompt', { prompt: [''] }, /^prompt is empty/, 'prompt'],
    ['several prompts', { prompt: ['a', 'b'] }, /^prompt is an array of 2 texts; send one request per text$/, 'prompt'],
    ['token ids', { prompt: [1, 2] }, /^prompt holds token ids/, 'prompt'],
    ['one token id', { prompt: [1] }, /^prompt holds token ids/, 'prompt'],
    ['a batch of token ids', { prompt: [[1, 2], [3]] }, /^prompt holds token ids/, 'prompt'],
    ['one text as token ids', { prompt: [[1, 2]] }, /^prompt holds token ids/, 'prompt'],
    ['an object', { prompt: {} }, /^prompt is an object; expected a string$/, 'prompt'],
    ['echo', { echo: true }, /^echo is not supported/, 'echo'],
    ['best_of', { best_of: 3 }, /^best_of is not supported/, 'best_of'],
    ['n', { n: 2 }, /^n is not supported/, 'n'],
    ['too many logprobs', { logprobs: 21 }, /^logprobs is 21; expected an integer from 0 to 20$/, 'logprobs'],
  ];
  for (const [name, fields, message, param] of cases) {
    it(`refuses ${name}`, () => refuses(() => complete(fields), message, param));
  }
});

describe('OpenAI embeddings', () => {
  it('decodes one text and many', () => {
    const decoded = embed({ dimensions: 8, encoding_format: 'BASE64', user: 'u' });
    assert.deepEqual(decoded.request, {
      model: 'e:latest',
      input: ['a'],
      normalised: true,
      options: {},
      dimensions: 8,
    });
    assert.deepEqual(embed({ input: ['a', ''] }).request.input, ['a', '']);
  });

  const inputs: readonly [JsonValue, RegExp][] = [
    [[], /^invalid input/],
    [null, /^invalid input/],
    ['', /^invalid input/],
    [5, /^invalid input/],
    [[1, 2], /^input holds token ids/],
    [[[1], [2]], /^input holds token ids/],
    [Array(16_385).fill('x'), /at most 16384 texts$/],
  ];
  for (const [input, message] of inputs) {
    it(`refuses the input ${JSON.stringify(input).slice(0, 20)}`, () =>
      refuses(() => embed({ input }), message, 'input'));
  }
  it('names a wrong element and wrong options', () => {
    refuses(() => embed({ input: ['a', {}] }), /^input\[1\] is an object; expected a string$/, 'input[1]');
    refuses(
      () => embed({ encoding_format: 'hex' }),
      /^encoding_format is "hex"; expected "float" or "base64"$/,
      'encoding_format',
    );
    refuses(() => embed({ dimensions: 0 }), /^dimensions is 0; expected an integer above 0$/, 'dimensions');
  });

  it('encodes a list, in numbers', () => {
    const answer = {
      model: 'e',
      embeddings: [
        [0.6, 0.8],
        [1, 0],
      ],
      promptTokens: 4,
      totalNs: 1,
      loadNs: 1,
    };
    assert.deepEqual(JSON.parse(embed().encode(answer)), {
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [0.6, 0.8] },
        { object: 'embedding', index: 1, embedding: [1, 0] },
      ],
      model: 'e',
      usage: { prompt_tokens: 4, total_tokens: 4 },
    } satisfies OpenAI.CreateEmbeddingResponse);
  });

  it('encodes base64 as little-endian float32', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true }), { maxLength: 20 }), (values) => {
        const answer = { model: 'e', embeddings: [values], promptTokens: 1, totalNs: 1, loadNs: 1 };
        const body = JSON.parse(embed({ encoding_format: 'base64' }).encode(answer)) as {
          data: { embedding: string }[];
        };
        const bytes = Buffer.from(body.data[0]!.embedding, 'base64');
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        assert.deepEqual(
          Array.from({ length: values.length }, (_, i) => view.getFloat32(i * 4, true)),
          values,
        );
        assert.equal(bytes.length, values.length * 4);
      }),
    );
  });
});
