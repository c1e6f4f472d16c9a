import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { model, post, startRig, type Rig } from './harness.ts';

/** A whole recorded answer, as Ollama writes it. The text has runes of one to four bytes. */
const lines = [
  ...['Grüße', ' from', ' 東京', ', said', ' the 🦉', '.'].map((content) =>
    JSON.stringify({ model, created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content }, done: false }),
  ),
  JSON.stringify({
    model,
    created_at: '2026-01-01T00:00:01Z',
    message: { role: 'assistant', content: '' },
    done: true,
    done_reason: 'stop',
    total_duration: 5_000_000,
    load_duration: 1_000_000,
    prompt_eval_count: 7,
    prompt_eval_duration: 1_000_000,
    eval_count: 6,
    eval_duration: 3_000_000,
  }),
];
const recorded = Buffer.from(`${lines.join('\n')}\n`);
const wholeText = 'Grüße from 東京, said the 🦉.';

describe('a recorded stream', () => {
  let rig: Rig;
  before(async () => {
    // One try: that failures are tried again is another journey, and its pauses would make a minute here.
    rig = await startRig({ config: { router: { triesMax: 1, ejectAfterFailures: 100 } } });
  });
  after(() => rig.close());

  const ask = (n: number, stream: boolean) =>
    post(`${rig.url}/v1/chat/completions`, { model, messages: [{ role: 'user', content: `cut number ${n}` }], stream });

  it('gives the same output however its bytes are split', async () => {
    for (let at = 1; at < recorded.length; at += 1) {
      rig.sim.script({
        model,
        responses: [{ steps: [bytes(recorded.subarray(0, at)), bytes(recorded.subarray(at))] }],
      });
      const answer = await ask(10_000 + at, true);
      assert.equal(contentOf(await answer.text()), wholeText, `split at byte ${at}`);
    }
  });

  it('cut at any byte gives the whole answer or one clean error, and is never cached', async () => {
    let cuts = 0;
    // Every byte, in turns of four modes: streamed and not, connection reset and clean end.
    for (let at = 0; at < recorded.length; at++) {
      const stream = at % 2 === 0;
      const end = at % 4 < 2 ? 'destroy' : 'end';
      const cut = { steps: [bytes(recorded.subarray(0, at)), { finish: end }] as const };
      // Twice: a kept-alive socket that dies unanswered is rightly replaced by a fresh one.
      rig.sim.reset();
      rig.sim.script({ model, responses: [cut, cut] });
      const before = rig.gateway.status().cache.entries;
      const answer = await ask(at, stream);
      const body = await answer.text();
      // The last newline is no part of the last line: without it the answer is whole.
      if (at >= recorded.length - 1) {
        assert.ok(answer.ok, `cut at byte ${at}: ${body}`);
        continue;
      }
      cuts++;
      if (answer.ok) {
        assert.ok(stream, `cut at byte ${at} was told as a whole answer: ${body}`);
        assert.equal(body.match(/"error":/g)?.length, 1, `cut at byte ${at}: one error expected in ${body}`);
        assert.ok(!body.includes('[DONE]'), `cut at byte ${at} ended as if whole`);
        assert.ok(wholeText.startsWith(contentOf(body)), `cut at byte ${at} changed the text`);
      } else {
        assert.ok(answer.status >= 500, `cut at byte ${at} gave ${answer.status}`);
        assert.equal(typeof (JSON.parse(body) as { error: { message: string } }).error.message, 'string');
      }
      assert.equal(rig.gateway.status().cache.entries, before, `cut at byte ${at} was cached`);
    }
    assert.ok(cuts > 500);
  });
});

const bytes = (part: Buffer) => ({ writeBase64: part.toString('base64') });

/** Joins the deltas of an OpenAI stream with a parser of its own. */
function contentOf(sse: string): string {
  let text = '';
  for (const event of sse.split('\n\n')) {
    if (!event.startsWith('data: {')) continue;
    const chunk = JSON.parse(event.slice(6)) as { choices?: { delta?: { content?: string } }[] };
    text += chunk.choices?.[0]?.delta?.content ?? '';
  }
  return text;
}
