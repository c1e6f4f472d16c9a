import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Redactor, secretValues } from './redact.ts';

const key = '0123456789abcdef'.repeat(4);

describe('removal of secrets', () => {
  it('removes what it knows, wherever it stands, the longer first', () => {
    const redactor = new Redactor(['opensesame', 'opensesame-and-more']);
    assert.equal(redactor.clean('x opensesame-and-more y opensesame'), 'x [redacted] y [redacted]');
    redactor.learn('7', ['another-secret']);
    assert.equal(redactor.clean('another-secret', { instance: '7' }), '[redacted]');
    assert.equal(redactor.clean('another-secret', { instance: '8' }), 'another-secret');
    assert.equal(redactor.clean('third-secret', { more: ['third-secret'] }), '[redacted]');
  });

  it('removes what looks like a secret, also when it was never told', () => {
    const redactor = new Redactor([]);
    const texts = [
      `Authorization: Bearer ${key}`,
      `GET /api?api_key=${key}&x=1`,
      `declare -x GW_TOKEN="tok with blanks"`,
      `{"jupyter_token":"abc123","x":1}`,
      `MY_PASSWORD=hunter2 next`,
      `key ${key}`,
    ];
    for (const text of texts) {
      const clean = redactor.clean(text);
      assert.match(clean, /\[redacted\]/, text);
      assert.doesNotMatch(clean, /0123456789abcdef|tok with|abc123|hunter2/, clean);
    }
    assert.equal(redactor.clean('GET /api?api_key=x&page=1'), 'GET /api?[redacted]&page=1');
  });

  it('leaves ordinary words alone, and cuts long ones', () => {
    const redactor = new Redactor(['1', 'true', '']);
    const text = 'success, running ollama/ollama:latest/args; 1 GPU; true';
    assert.equal(redactor.clean(text), text);
    assert.ok(redactor.words('many words '.repeat(200)).length <= 501);
    assert.equal(redactor.words('a\n\n  b'), 'a b');
  });

  it('remembers a bounded number of instances', () => {
    const redactor = new Redactor([]);
    for (let i = 0; i < 1_500; i++) redactor.learn(String(i), ['some-secret']);
    assert.equal(redactor.knows('0'), false);
    assert.equal(redactor.knows('1499'), true);
  });

  it('takes every value of an environment for secret but those known to be harmless', () => {
    const env = Object.entries({
      GW_KEY: 'k',
      GW_TOKEN: 't',
      GW_MODEL: 'm',
      OLLAMA_HOST: 'h',
      UNKNOWN: 'u',
      '-p 8443:8443': '1',
    });
    assert.deepEqual(secretValues(env), ['k', 't', 'u']);
  });
});
