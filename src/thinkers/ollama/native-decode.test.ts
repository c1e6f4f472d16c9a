import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ChatEvent } from '../../core/chat.ts';
import { FakeClock } from '../../testing/fake-clock.ts';
import { NativeDecoder } from './native-decode.ts';

const head = (model: string, at = '2026-11-23T10:00:00.123456789Z') =>
  `{"model":${JSON.stringify(model)},"created_at":"${at}"`;
const chatLine = (content: string, model = 'm:7b') =>
  `${head(model)},"message":{"role":"assistant","content":${JSON.stringify(content)}},"done":false}`;
const generateLine = (content: string) => `${head('m:7b')},"response":${JSON.stringify(content)},"done":false}`;

function decode(kind: 'chat' | 'generate', lines: readonly string[]): { events: ChatEvent[]; outcomes: unknown[] } {
  const events: ChatEvent[] = [];
  const sink = { event: (event: ChatEvent) => void events.push(event), fail: assert.fail };
  const decoder = new NativeDecoder({ kind, sink, clock: new FakeClock(), thinkerName: 't', call: { open: true } });
  return { events, outcomes: lines.map((line) => decoder.line(line)) };
}

const texts = (events: readonly ChatEvent[]) =>
  events.flatMap((event) => (event.type === 'text-delta' ? [event.text] : []));

describe('lines as Ollama writes them', () => {
  for (const [kind, line] of [
    ['chat', chatLine],
    ['generate', generateLine],
  ] as const) {
    it(`give the text that JSON means, whatever it holds (${kind})`, () => {
      const content = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('"', '\\', '\\"', '"},"done":false}', '\n', '\u2028'),
      );
      fc.assert(
        fc.property(fc.array(content, { maxLength: 8 }), (contents) => {
          const { events, outcomes } = decode(kind, [line('first'), ...contents.map((one) => line(one))]);
          assert.deepEqual(texts(events), ['first', ...contents.filter((one) => one !== '')]);
          assert.ok(outcomes.every((outcome) => outcome === 'more'));
        }),
      );
    });
  }
});

describe('lines that are read at once', () => {
  const thinkingLine = (text: string) =>
    `${head('m:7b')},"message":{"role":"assistant","content":"","thinking":${JSON.stringify(text)}},"done":false}`;
  const logprobsLine = `${head('m:7b')},"message":{"role":"assistant","content":"l"},"done":false,"logprobs":[{"token":"l"}]}`;

  /** As the splitter does it: what `run` leaves goes line by line. */
  function decodeText(lines: readonly string[], model?: string): ChatEvent[] {
    const events: ChatEvent[] = [];
    const sink = { event: (event: ChatEvent) => void events.push(event), fail: assert.fail };
    const decoder = new NativeDecoder({
      kind: 'chat',
      ...(model !== undefined && { model }),
      sink,
      clock: new FakeClock(),
      thinkerName: 't',
      call: { open: true },
    });
    const text = lines.join('\n');
    let from = 0;
    while (from < text.length) {
      from = decoder.run(text, from);
      if (from >= text.length) break;
      const to = text.indexOf('\n', from);
      assert.equal(decoder.line(to === -1 ? text.slice(from) : text.slice(from, to)), 'more');
      if (to === -1) break;
      from = to + 1;
    }
    return events;
  }

  /** One event for each piece, so that the two ways can be compared. */
  const apart = (events: readonly ChatEvent[]): ChatEvent[] =>
    events.flatMap((event) => {
      if ((event.type !== 'text-delta' && event.type !== 'thinking-delta') || event.pieces === undefined)
        return [event];
      assert.equal(event.pieces.join(''), event.text);
      return event.pieces.map((text): ChatEvent => ({ type: event.type, text }));
    });

  it('give the pieces that the same lines give one by one', () => {
    const content = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('"', '\\', '\\"', '"},"done":false}', '\n', ''),
    );
    const line = fc.oneof(
      content.map((text) => chatLine(text)),
      content.map(thinkingLine),
      fc.constant(logprobsLine),
      fc.constant(chatLine('x', 'other')),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const all = [chatLine('first'), ...lines];
        assert.deepEqual(apart(decodeText(all)), apart(decode('chat', all).events));
      }),
    );
  });

  it('are known from the first on where the model was asked by this name, and mean the same', () => {
    const line = fc.oneof(
      fc.constantFrom('', 'a', '"', '\n').map((text) => chatLine(text)),
      fc.constantFrom('', 'b').map(thinkingLine),
      fc.constantFrom(logprobsLine, chatLine('x', 'other')),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const expected = apart(decode('chat', lines).events);
        for (const model of ['m:7b', 'other', 'm']) assert.deepEqual(apart(decodeText(lines, model)), expected);
      }),
    );
    assert.deepEqual(decodeText([chatLine('a'), chatLine('b')], 'm:7b'), [
      { type: 'start', model: 'm:7b', createdAt: Date.parse('2026-11-23T10:00:00.123456789Z') },
      { type: 'text-delta', text: 'ab', pieces: ['a', 'b'] },
    ]);
  });

  it('say nothing, also not that it starts, of a first line that is cut', () => {
    assert.throws(() => decodeText([`${head('m:7b')},"message":{"role":"assistant","content":"a`], 'm:7b'));
    const events: ChatEvent[] = [];
    const sink = { event: (event: ChatEvent) => void events.push(event), fail: assert.fail };
    const call = { open: true };
    const decoder = new NativeDecoder({
      kind: 'chat',
      model: 'm:7b',
      sink,
      clock: new FakeClock(),
      thinkerName: 't',
      call,
    });
    assert.notEqual(decoder.line(`${head('m:7b')},"message":{"role":"assistant","content":"a`), 'more');
    assert.deepEqual(events, []);
  });

  it('are one event of each kind, with the pieces kept', () => {
    assert.deepEqual(
      decodeText([chatLine('a'), thinkingLine('b'), thinkingLine('c'), chatLine('d\n'), chatLine('e')]).slice(2),
      [
        { type: 'thinking-delta', text: 'bc', pieces: ['b', 'c'] },
        { type: 'text-delta', text: 'd\ne', pieces: ['d\n', 'e'] },
      ],
    );
  });

  it('are of the model to the letter, whatever signs its name has', () => {
    const taken = (named: string, line: string) => {
      const sink = { event: () => {}, fail: assert.fail };
      const call = { open: true };
      const decoder = new NativeDecoder({ kind: 'chat', sink, clock: new FakeClock(), thinkerName: 't', call });
      decoder.line(chatLine('first', named));
      return decoder.run(line, 0) >= line.length;
    };
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom('a.b', 'x/y:7b-q4_K_M', '(a|b)*'),
    );
    fc.assert(fc.property(name, (named) => taken(named, chatLine('second', named))));
    for (const other of ['axb', 'a.bb', 'A.b', 'a.']) assert.equal(taken('a.b', chatLine('second', other)), false);
    const long = 'm'.repeat(1_000);
    assert.equal(taken(long, chatLine('second', long)), false, 'too long for a name; read as JSON');
  });

  it('never take the end of one line for the middle of the next', () => {
    const cut = `${head('m:7b')},"message":{"role":"assistant","content":"a\n"},"done":false}`;
    assert.throws(() => decodeText([chatLine('first'), cut]));
  });
});

describe('lines that only look like them', () => {
  const lines: Record<string, [line: string, texts: string[]]> = {
    'thinking beside the text': [
      `${head('m:7b')},"message":{"role":"assistant","content":"a","thinking":"b"},"done":false}`,
      ['a'],
    ],
    'an earlier content that JSON replaces by the later one': [
      `${head('m:7b')},"message":{"role":"assistant","content":"a","content":"b"},"done":false}`,
      ['b'],
    ],
    'another model': [chatLine('a', 'other'), ['a']],
    'blanks between the fields': [
      '{ "model": "m:7b", "created_at": "x", "message": { "role": "assistant", "content": "a" }, "done": false }',
      ['a'],
    ],
    'the message inside the instant': [
      `{"model":"m:7b","created_at":"x\\","message":{"role":"assistant","content":"a"},"done":false}`,
      [],
    ],
  };
  for (const [name, [line, expected]] of Object.entries(lines)) {
    it(`are read as JSON: ${name}`, () => {
      assert.deepEqual(texts(decode('chat', [chatLine('first'), line]).events), ['first', ...expected]);
    });
  }

  it('fail when they are not JSON', () => {
    const broken = `{"model":"m:7b","created_at":"x\\","message":{"role":"assistant","content":"a"},"done":false}`;
    assert.notEqual(decode('chat', [chatLine('first'), broken]).outcomes[1], 'more');
    const control = `${head('m:7b')},"message":{"role":"assistant","content":"a\tb"},"done":false}`;
    assert.notEqual(decode('chat', [chatLine('first'), control]).outcomes[1], 'more');
  });
});
