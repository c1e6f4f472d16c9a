import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../testing/fake-clock.ts';
import { inBandError, parseRetryAfter, responseError, socketError } from './upstream-errors.ts';

const clock = new FakeClock();
const answer = (status: number, body: string, more: { retryAfter?: string; authenticated?: boolean } = {}) => {
  const error = responseError({
    thinkerName: 'a',
    path: '/api/chat',
    status,
    body,
    headers: more.retryAfter === undefined ? {} : { 'retry-after': more.retryAfter },
    authenticated: more.authenticated ?? false,
    clock,
  });
  return { code: error.code, status: error.status, message: error.message, retryAfterMs: error.retryAfterMs };
};

describe('responseError', () => {
  it('reads 503 and 429 as busy and keeps Retry-After', () => {
    const busy = 'server busy, please try again.  maximum pending requests exceeded';
    assert.deepEqual(answer(503, JSON.stringify({ error: busy })), {
      code: 'upstream_busy',
      status: 503,
      message: busy,
      retryAfterMs: undefined,
    });
    assert.equal(answer(429, '{"error":"slow down"}', { retryAfter: '3' }).retryAfterMs, 3_000);
    assert.equal(answer(429, '').message, 'thinker a is busy (HTTP 429)');
  });

  it("passes Ollama's own words and status on when the request is at fault", () => {
    assert.deepEqual(answer(400, '{"error":"model does not support tools"}'), {
      code: 'upstream_rejected',
      status: 400,
      message: 'model does not support tools',
      retryAfterMs: undefined,
    });
    assert.deepEqual(
      [answer(404, `{"error":"model 'x' not found"}`).code, answer(404, `{"error":"model 'x' not found"}`).message],
      ['model_not_found', "model 'x' not found"],
    );
    assert.equal(answer(413, 'too large').status, 413);
  });

  it('tells a wrong URL from a missing model', () => {
    const wrong = answer(404, '404 page not found');
    assert.equal(wrong.code, 'upstream_failed');
    assert.match(wrong.message, /check that its URL/);
  });

  it('does not blame the caller for a token of ours', () => {
    assert.equal(answer(401, '{"error":"unauthorized"}').code, 'upstream_rejected');
    const ours = answer(401, '{"error":"unauthorized"}', { authenticated: true });
    assert.deepEqual([ours.code, ours.status], ['upstream_failed', 502]);
  });

  it('shortens web pages and long texts', () => {
    const page = answer(502, '<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>');
    assert.equal(page.message, 'thinker a answered HTTP 502: it sent a web page ("502 Bad Gateway") instead of JSON');
    assert.ok(answer(500, 'x'.repeat(50_000)).message.length < 1_200);
  });
});

describe('inBandError', () => {
  it('is a broken stream once the answer began, whatever it says', () => {
    assert.equal(inBandError('a', "model 'x' not found", true).code, 'upstream_broken_stream');
  });

  it('is read by its words before the first event', () => {
    const codeOf = (words: string) => inBandError('a', words, false).code;
    assert.equal(codeOf("model 'x' not found"), 'model_not_found');
    assert.equal(codeOf('server busy, please try again.  maximum pending requests exceeded'), 'upstream_busy');
    assert.equal(codeOf('"x" does not support thinking'), 'upstream_rejected');
    assert.equal(codeOf('the input length exceeds the context length'), 'upstream_rejected');
    assert.equal(codeOf('llama runner process has terminated'), 'upstream_broken_stream');
  });
});

describe('socketError', () => {
  it('tells a connection that never came from one that broke', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
    assert.equal(socketError('a', refused, false).code, 'upstream_failed');
    assert.equal(socketError('a', refused, true).code, 'upstream_broken_stream');
    const slow = Object.assign(new Error('Connect Timeout Error'), { code: 'UND_ERR_CONNECT_TIMEOUT' });
    assert.equal(socketError('a', slow, false).code, 'timeout_connect');
  });
});

describe('parseRetryAfter', () => {
  it('reads seconds and dates, never waits backwards and never longer than ten minutes', () => {
    assert.equal(parseRetryAfter('1.5', clock), 1_500);
    assert.equal(parseRetryAfter(new Date(clock.now() + 4_000).toUTCString(), clock), 4_000);
    assert.equal(parseRetryAfter(new Date(clock.now() - 4_000).toUTCString(), clock), 0);
    assert.equal(parseRetryAfter('86400', clock), 600_000);
    assert.equal(parseRetryAfter('soon', clock), undefined);
    assert.equal(parseRetryAfter(undefined, clock), undefined);
  });
});
