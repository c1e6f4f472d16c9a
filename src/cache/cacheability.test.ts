import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AnswerRequest } from '../core/chat.ts';
import { aChatRequest, aGenerateRequest, anAsker } from '../testing/builders.ts';
import { bypassReason, semanticText } from './cacheability.ts';

const options = { temperatureMax: 0.7, requestCharsMax: 1_000 };
const reason = (request: AnswerRequest = aChatRequest(), asker = anAsker()) => bypassReason(request, asker, options);

describe('bypassReason', () => {
  it('is absent for an ordinary request, whatever it sent of temperature and seed within the bounds', () => {
    for (const sent of [{}, { temperature: 0 }, { temperature: 0.7 }, { temperature: 1, seed: 42 }, { seed: -1 }]) {
      assert.equal(reason(aChatRequest({ options: sent })), undefined);
    }
    assert.equal(reason(aChatRequest(), anAsker({ cache: { mode: 'no-cache' } })), undefined);
  });

  it('names why a request is left alone', () => {
    assert.equal(reason(aChatRequest(), anAsker({ cache: { mode: 'no-store' } })), 'no-store');
    assert.equal(reason(aChatRequest({ messages: [] })), 'load-request');
    assert.equal(reason(aGenerateRequest({ prompt: '' })), 'load-request');
    assert.equal(reason(aChatRequest({ options: { temperature: 0.71 } })), 'not-deterministic');
    assert.equal(reason(aChatRequest({ options: { temperature: 1, seed: -1 } })), 'not-deterministic');
    assert.equal(reason(aChatRequest({ logprobs: true })), 'logprobs');
    assert.equal(reason(aGenerateRequest({ images: ['AA=='] })), 'images');
    assert.equal(reason(aChatRequest({ messages: [{ role: 'user', content: '', images: ['AA=='] }] })), 'images');
    assert.equal(reason(aChatRequest({ text: 'x'.repeat(1_001) })), 'too-long');
    assert.equal(reason(aGenerateRequest({ prompt: 'x', system: 'y'.repeat(1_000) })), 'too-long');
  });
});

describe('semanticText', () => {
  it('is the last text of the user, in canonical form', () => {
    assert.equal(semanticText(aChatRequest({ text: ' What  is it?\n' })), 'What is it?');
    assert.equal(semanticText(aGenerateRequest({ prompt: 'Why  so?' })), 'Why so?');
  });

  it('is absent where only the exact tier applies', () => {
    for (const request of [
      aChatRequest({ tools: [{ type: 'function' }] }),
      aChatRequest({ messages: [{ role: 'assistant', content: 'Let me' }] }),
      aChatRequest({ text: ' \n ' }),
      aGenerateRequest({ raw: true }),
      aGenerateRequest({ context: [1] }),
      aGenerateRequest({ suffix: '' }),
      aGenerateRequest({ template: '{{ .Prompt }}' }),
    ]) {
      assert.equal(semanticText(request), undefined);
    }
  });
});
