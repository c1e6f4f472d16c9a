import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import * as fc from 'fast-check';
import { AppError } from '../../../core/errors.ts';
import type { JsonObject } from '../../../core/json.ts';
import { cannedFetch } from '../../../testing/canned-fetch.ts';
import { countAnthropicTokens } from './count-tokens.ts';
import { estimateTokens } from './estimate-tokens.ts';

/** Texts with their length in cl100k and o200k tokens, counted once with the npm package gpt-tokenizer 4. */
const references: readonly (readonly [string, string, number, number])[] = [
  [
    'prose',
    'A gateway stands between the people who ask and the machines that answer. When the same question comes twice, it gives the first answer again, and nobody has to wait. When a machine goes away in the middle of a sentence, it says so plainly, and never pretends that half an answer was a whole one.',
    64,
    64,
  ],
  [
    'code',
    'export function backoffMs(attempt: number, random: Random): number {\n  const ceiling = Math.min(maxDelayMs, baseDelayMs * 2 ** attempt);\n  // Full jitter: clients that failed together must not come back together.\n  return Math.floor(random.float() * ceiling);\n}\n',
    61,
    61,
  ],
  [
    'JSON',
    '{"type":"function","function":{"name":"get_weather","description":"Current weather in a city","parameters":{"type":"object","properties":{"city":{"type":"string"},"unit":{"type":"string","enum":["celsius","fahrenheit"]}},"required":["city"]}}}',
    55,
    57,
  ],
  [
    'Markdown',
    '## Setup\n\n1. Install Node 24.\n2. Run `npm ci && npm start`.\n3. Ask: `curl http://127.0.0.1:11435/api/chat`.\n\n| option | default |\n|---|---|\n| `port` | 11435 |\n| `dataDir` | `~/.local/share` |\n',
    73,
    73,
  ],
  [
    'German',
    'Ein Vermittler steht zwischen den Fragenden und den antwortenden Maschinen. Kommt dieselbe Frage zweimal, so gibt er die erste Antwort noch einmal, und niemand muss warten.',
    42,
    35,
  ],
];

describe('estimating tokens', () => {
  for (const [name, text, cl100k, o200k] of references) {
    it(`comes within 20 % of a real tokenizer on ${name}`, () => {
      const estimate = estimateTokens(text);
      assert.ok(estimate >= 0.8 * Math.min(cl100k, o200k), `${estimate} < ${cl100k}, ${o200k}`);
      assert.ok(estimate <= 1.2 * Math.max(cl100k, o200k), `${estimate} > ${cl100k}, ${o200k}`);
    });
  }

  it('never counts more tokens than UTF-16 units, and none in nothing', () => {
    assert.equal(estimateTokens(''), 0);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        assert.ok(estimateTokens(text) <= text.length + 1);
      }),
    );
  });

  it('does not shrink when text is added', () => {
    const words = fc.stringMatching(/^[A-Za-z0-9 .,]*$/);
    fc.assert(
      fc.property(words, words, (before, after) => {
        assert.ok(estimateTokens(`${before}\n\n${after}`) >= estimateTokens(before));
      }),
    );
  });
});

describe('POST /v1/messages/count_tokens', () => {
  const ask = { model: 'qwen3', messages: [{ role: 'user' as const, content: references[0]![1] }] };
  const count = (more: JsonObject = {}): number => countAnthropicTokens({ ...ask, ...more }).inputTokens;

  it('needs no max_tokens, and says that the count is an estimate', () => {
    const { model, notices } = countAnthropicTokens(ask);
    assert.equal(model, 'qwen3');
    assert.equal(notices.length, 1);
    assert.match(notices[0]!, /estimate/);
  });

  it('counts everything that the model will read', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };
    const plain = count();
    assert.ok(plain > 64 && plain < 80, String(plain));
    assert.ok(count({ system: 'Be brief, and answer in verse.' }) > plain + 5);
    assert.ok(count({ tools: [{ name: 'weather', input_schema: { type: 'object' } }] }) > plain + 5);
    assert.ok(count({ messages: [...ask.messages, { role: 'user', content: [image] }] }) > plain + 500);
    const call = { type: 'tool_use', id: 'a', name: 'weather', input: { city: 'Rome' } };
    const thought = { type: 'thinking', thinking: 'They want to know about the sky.', signature: '' };
    const before = count({ messages: [...ask.messages, { role: 'assistant', content: [] }] });
    assert.ok(count({ messages: [...ask.messages, { role: 'assistant', content: [call] }] }) > before + 5);
    assert.ok(count({ messages: [...ask.messages, { role: 'assistant', content: [thought] }] }) > before + 5);
  });

  it('refuses what messages refuses, naming the field', () => {
    assert.throws(
      () => countAnthropicTokens({ ...ask, messages: [] }),
      (error) => error instanceof AppError && error.param === 'messages',
    );
  });

  it('is read by the official client', async () => {
    const { fetch } = cannedFetch((request) => ({ body: countAnthropicTokens(request as JsonObject).body }));
    const anthropic = new Anthropic({ apiKey: 'unused', baseURL: 'http://in-process.test', fetch });
    const { input_tokens } = await anthropic.messages.countTokens(ask);
    assert.equal(input_tokens, count());
  });
});
