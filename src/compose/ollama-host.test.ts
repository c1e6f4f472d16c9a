import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ollamaHostUrl } from './ollama-host.ts';

it('reads OLLAMA_HOST as Ollama does', () => {
  const cases: readonly (readonly [string | undefined, string])[] = [
    [undefined, 'http://127.0.0.1:11434'],
    ['', 'http://127.0.0.1:11434'],
    ['gpu', 'http://gpu:11434'],
    ['gpu:8080', 'http://gpu:8080'],
    [':8080', 'http://127.0.0.1:8080'],
    ['0.0.0.0', 'http://127.0.0.1:11434'],
    ['0.0.0.0:9999', 'http://127.0.0.1:9999'],
    ['http://gpu', 'http://gpu:80'],
    ['https://gpu.example', 'https://gpu.example:443'],
    ['https://gpu.example:1/ollama/', 'https://gpu.example:1/ollama'],
    ['[::1]:8080', 'http://[::1]:8080'],
    ['::1', 'http://[::1]:11434'],
    ['"gpu:1"', 'http://gpu:1'],
  ];
  for (const [value, expected] of cases) assert.equal(ollamaHostUrl(value), expected, `OLLAMA_HOST=${value}`);
});
