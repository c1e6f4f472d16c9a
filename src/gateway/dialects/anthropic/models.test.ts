import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { cannedFetch } from '../../../testing/canned-fetch.ts';
import { encodeAnthropicModel, encodeAnthropicModelList } from './models.ts';

const models = [
  { name: 'qwen3:8b', modifiedAt: '2026-05-01T10:00:00.123456789+02:00' },
  { name: 'llama3:latest', modifiedAt: undefined },
];

function client(body: string): { readonly anthropic: Anthropic; readonly requests: unknown[] } {
  const { fetch, requests } = cannedFetch(() => ({ body }));
  const baseURL = 'http://in-process.test';
  return { anthropic: new Anthropic({ apiKey: 'unused', baseURL, maxRetries: 0, fetch }), requests };
}

describe('the model list', () => {
  it('is read whole by the official client with one request', async () => {
    const { anthropic, requests } = client(encodeAnthropicModelList(models));
    const seen: [string, string][] = [];
    for await (const { id, created_at } of anthropic.models.list()) seen.push([id, created_at]);
    assert.deepEqual(seen, [
      ['qwen3:8b', '2026-05-01T08:00:00.123Z'],
      ['llama3:latest', '1970-01-01T00:00:00.000Z'],
    ]);
    assert.equal(requests.length, 1);
  });

  it('may be empty', async () => {
    const { anthropic } = client(encodeAnthropicModelList([]));
    const page = await anthropic.models.list();
    assert.deepEqual([page.data, page.has_more, page.first_id, page.last_id], [[], false, null, null]);
  });

  it('tells of one model what it tells of it in the list', async () => {
    const { anthropic } = client(encodeAnthropicModel(models[0]!));
    const model = await anthropic.models.retrieve('qwen3:8b');
    const list = JSON.parse(encodeAnthropicModelList(models)) as { data: unknown[] };
    assert.deepEqual(JSON.parse(JSON.stringify(model)), list.data[0]);
    assert.deepEqual([model.type, model.id, model.display_name], ['model', 'qwen3:8b', 'qwen3:8b']);
  });
});
