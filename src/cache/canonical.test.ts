import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { AnswerRequest, ChatRequest, Message } from '../core/chat.ts';
import { modelName, tenantId } from '../core/ids.ts';
import type { JsonObject, JsonValue } from '../core/json.ts';
import { aChatRequest, aGenerateRequest } from '../testing/builders.ts';
import { canonicalRequest, canonicalText, NestingError } from './canonical.ts';
import { exactKeyOf, indexScopes, semanticScopeOf } from './scope.ts';

const owner = { epoch: 0, tenant: tenantId('a'), digest: 'sha256:1' };
const differ = (a: AnswerRequest, b: AnswerRequest) =>
  assert.notEqual(canonicalRequest(a), canonicalRequest(b), JSON.stringify([a, b]));
const agree = (a: AnswerRequest, b: AnswerRequest) => assert.equal(canonicalRequest(a), canonicalRequest(b));

/** The same JSON with the keys of every object in reverse. */
function reversedKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((each: JsonValue) => reversedKeys(each));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, each]) => [key, reversedKeys(each)]),
  );
}

const text = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'a"b', 'a\\', '\n', '*', '|', ';', '~', '\ud800', '\udc00', '{}'),
  fc.string({ maxLength: 4 }),
);
const small = fc.dictionary(
  fc.constantFrom('a', 'b', 'num_ctx', 'seed'),
  fc.oneof(text, fc.nat(2), fc.constant(null)),
  {
    maxKeys: 2,
  },
) as fc.Arbitrary<JsonObject>;
/** Roles whose text is kept letter by letter, so that unequal messages are unequal requests. */
const message: fc.Arbitrary<Message> = fc.record(
  {
    role: fc.constantFrom('assistant' as const, 'tool' as const),
    content: text,
    thinking: text,
    images: fc.array(text, { minLength: 1, maxLength: 2 }),
    toolCalls: fc.array(
      fc.record({ id: text, name: text, argumentsJson: text }, { requiredKeys: ['name', 'argumentsJson'] }),
      { minLength: 1, maxLength: 2 },
    ),
    toolName: text,
    toolCallId: text,
  },
  { requiredKeys: ['role', 'content'] },
);
const shared = {
  options: small,
  format: fc.oneof(fc.constant('json' as const), small),
  think: fc.constantFrom(true, false, 'low' as const, 'high' as const),
  truncate: fc.boolean(),
  shift: fc.boolean(),
};
const chat: fc.Arbitrary<AnswerRequest> = fc
  .record(
    {
      messages: fc.array(message, { maxLength: 2 }),
      tools: fc.array(small, { minLength: 1, maxLength: 2 }),
      ...shared,
    },
    { requiredKeys: ['messages', 'options'] },
  )
  .map((parts) => ({ kind: 'chat', model: modelName('m'), outputLimit: undefined, ...parts }));
const generate: fc.Arbitrary<AnswerRequest> = fc
  .record(
    {
      raw: fc.constant(true as const),
      prompt: text,
      suffix: text,
      template: text,
      context: fc.array(fc.nat(12), { minLength: 1, maxLength: 3 }),
      images: fc.array(text, { minLength: 1, maxLength: 2 }),
      ...shared,
    },
    { requiredKeys: ['raw', 'prompt', 'options'] },
  )
  .map((parts) => ({ kind: 'generate', model: modelName('m'), outputLimit: undefined, ...parts }));
const anyRequest = fc.oneof(chat, generate);

/** Arguments that are the same JSON are the same call. */
function comparable(request: AnswerRequest): unknown {
  return JSON.parse(JSON.stringify(request), (name, value: unknown) => {
    if (name !== 'argumentsJson') return value;
    try {
      return { parsed: JSON.parse(value as string) as unknown };
    } catch {
      return value;
    }
  });
}

describe('canonicalText', () => {
  it('collapses what carries no meaning', () => {
    for (const [given, expected] of [
      ['What  is   it? ', 'What is it?'],
      ['a\r\nb\rc', 'a\nb\nc'],
      ['a  \nb\t\nc', 'a\nb\nc'],
      ['a\n\n\n\nb', 'a\n\nb'],
      ['a\n \n\t\n\nb', 'a\n\nb'],
      ['cafe\u0301', 'café'],
      ['  \n a \n', 'a'],
    ]) {
      assert.equal(canonicalText(given!), expected);
    }
  });

  it('keeps whitespace that may carry meaning', () => {
    for (const kept of [
      'if x:\n    return 1\n        # deep',
      'run `a   b` twice',
      '```\na   b\n\n\n\nc  \n```',
      'how many blanks are in "a   b"?',
      'name\t\tage',
      'x\n\ny',
    ]) {
      assert.equal(canonicalText(kept), kept);
    }
  });

  it('is idempotent', () => {
    const piece = fc.constantFrom(' ', '  ', '\n', '\t', '\r', '```', '`', '"', 'a', 'b', 'e\u0301', '\u00a0');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        const once = canonicalText(pieces.join(''));
        assert.equal(canonicalText(once), once);
      }),
      { numRuns: 500 },
    );
  });

  it('takes linear time on long runs of blanks, quotes and backticks', () => {
    for (const hostile of [' ', '\t', '\n', '"', '`', '\n \n', ' \t', '```']) {
      const startedAt = performance.now();
      canonicalText(`a\n${hostile.repeat(100_000)}b`);
      // Quadratic work would take minutes; the bound leaves room for a busy machine.
      assert.ok(performance.now() - startedAt < 2_000, JSON.stringify(hostile));
    }
  });
});

describe('canonicalRequest', () => {
  it('gives two different requests two different texts', () => {
    fc.assert(
      fc.property(anyRequest, anyRequest, (a, b) => {
        let same: boolean;
        try {
          assert.deepStrictEqual(comparable(a), comparable(b));
          same = true;
        } catch {
          same = false;
        }
        assert.equal(canonicalRequest(a) === canonicalRequest(b), same);
      }),
      { numRuns: 3_000 },
    );
  });

  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        agree(request, reversedKeys(request as unknown as JsonObject) as unknown as AnswerRequest);
      }),
    );
  });

  it('tells apart every field that changes the answer', () => {
    const plain = aChatRequest();
    const variants: Partial<ChatRequest>[] = [
      { messages: [{ role: 'system', content: 'Be brief.' }, ...plain.messages] },
      { messages: [{ role: 'assistant', content: plain.messages[0]!.content }] },
      { messages: [{ ...plain.messages[0]!, images: ['AA=='] }] },
      { messages: [{ ...plain.messages[0]!, images: ['AQ=='] }] },
      { tools: [{ type: 'function', function: { name: 'f' } }] },
      { format: 'json' },
      { format: { type: 'object' } },
      { think: true },
      { think: false },
      { think: 'low' },
      { truncate: false },
      { shift: true },
      { logprobs: true },
      { logprobs: true, topLogprobs: 2 },
      { extra: { new_field: 1 } },
      ...['temperature', 'top_p', 'top_k', 'min_p', 'typical_p', 'seed', 'num_keep', 'repeat_last_n', 'num_ctx'].map(
        (name) => ({ options: { [name]: 1 } }),
      ),
      { options: { stop: ['a'] } },
      { options: { repeat_penalty: 1 } },
      { options: { seed: 2 } },
    ];
    const texts = [plain, ...variants.map((variant) => aChatRequest(variant))].map((each) => canonicalRequest(each));
    assert.equal(new Set(texts).size, texts.length);
  });

  it('leaves out what does not change the answer', () => {
    const plain = aChatRequest();
    for (const variant of [
      { keepAlive: '5m' },
      { outputLimit: 5 },
      { tools: [] },
      { extra: {} },
      { extra: { user: 'u', metadata: { a: 1 }, store: true, stream_options: { include_usage: true } } },
      { options: { num_gpu: 1, num_thread: 2, num_batch: 3, main_gpu: 0, use_mmap: true, num_predict: 9 } },
      { text: '  What is  the capital of France?\n' },
    ]) {
      agree(plain, aChatRequest(variant));
    }
  });

  it('keeps what a model reads letter by letter', () => {
    for (const base of [{ raw: true }, { suffix: 'x' }, { template: 't' }]) {
      differ(aGenerateRequest({ ...base, prompt: 'a  b' }), aGenerateRequest({ ...base, prompt: 'a b' }));
    }
    agree(aGenerateRequest({ prompt: 'a  b' }), aGenerateRequest({ prompt: 'a b' }));
  });

  it('compares arguments of tool calls as JSON, but not numbers beyond what JSON numbers hold', () => {
    const withArguments = (argumentsJson: string) =>
      aChatRequest({ messages: [{ role: 'assistant', content: '', toolCalls: [{ name: 'f', argumentsJson }] }] });
    agree(withArguments('{"a":1,"b":2}'), withArguments('{ "b": 2, "a": 1 }'));
    differ(withArguments('{"id":12345678901234567890}'), withArguments('{"id":12345678901234567891}'));
    differ(withArguments('abc'), withArguments('"abc"'));
  });

  it('refuses nesting that could exhaust the stack', () => {
    let deep: JsonValue = 1;
    for (let i = 0; i < 10_000; i++) deep = [deep];
    assert.throws(() => canonicalRequest(aChatRequest({ extra: { deep } })), NestingError);
  });
});

describe('keys', () => {
  it('are walls between epochs, tenants and digests; the name stands in for an unknown digest', () => {
    const request = aChatRequest();
    const owners = [
      owner,
      { ...owner, epoch: 1 },
      { ...owner, tenant: tenantId('b') },
      { ...owner, digest: 'sha256:2' },
      { ...owner, digest: '' },
    ];
    assert.equal(new Set(owners.map((each) => exactKeyOf(each, request))).size, owners.length);
    assert.equal(new Set(owners.map((each) => semanticScopeOf(each, request, 's'))).size, owners.length);
    const renamed = aChatRequest({ model: modelName('other') });
    assert.equal(exactKeyOf(owner, request), exactKeyOf(owner, renamed));
    assert.notEqual(exactKeyOf({ ...owner, digest: '' }, request), exactKeyOf({ ...owner, digest: '' }, renamed));
  });

  it('make one scope of requests that differ in the last text only', () => {
    const history: Message[] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello' },
    ];
    const asking = (content: string, before = history) =>
      semanticScopeOf(owner, aChatRequest({ messages: [...before, { role: 'user', content }] }), 's');
    assert.equal(asking('a'), asking('b'));
    assert.notEqual(asking('a'), asking('a', history.slice(1)));
    assert.notEqual(asking('a'), asking('a', [...history.slice(0, 2), { role: 'assistant', content: 'Hello!' }]));
    const scoped = (request: AnswerRequest, secret = 's') => semanticScopeOf(owner, request, secret);
    assert.notEqual(scoped(aChatRequest()), scoped(aChatRequest({ options: { temperature: 0 } })));
    assert.notEqual(scoped(aChatRequest()), scoped(aChatRequest(), 'other secret'));
    assert.notEqual(scoped(aChatRequest()), scoped(aGenerateRequest()));
  });

  it('never share an index scope between two embedders', () => {
    const stored = semanticScopeOf(owner, aChatRequest(), 's');
    assert.notEqual(indexScopes('lexical-1')(stored), indexScopes('minilm-1')(stored));
  });
});

it('blanks inside any kind of quotation are kept, because the question may be about them', () => {
  for (const quoted of [
    "len('a  b')",
    'How long is “a   b”?',
    'Wie lang ist „a  b“?',
    'Que veut dire «a  b»?',
    "' ' or '  '?",
  ]) {
    assert.equal(canonicalText(quoted), quoted);
  }
  assert.equal(canonicalText("it's  what you're  after"), "it's what you're after");
});
