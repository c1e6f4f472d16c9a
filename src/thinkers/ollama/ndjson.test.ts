import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NdjsonSplitter } from './ndjson.ts';

function split(chunks: readonly Buffer[], lineBytesMax = 1_000) {
  const lines: string[] = [];
  const tooLong: number[] = [];
  const sink = {
    run: (_text: string, from: number) => from,
    line: (text: string) => void lines.push(text),
    lineTooLong: (bytes: number) => void tooLong.push(bytes),
  };
  const splitter = new NdjsonSplitter(sink, lineBytesMax);
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return { lines, tooLong };
}

const stream = Buffer.from('{"a":"grüße 👋🏽"}\r\n\n{"b":2}\n   \n{"c":"\\n"}\n{"last":true}');
const expected = ['{"a":"grüße 👋🏽"}\r', '{"b":2}', '{"c":"\\n"}', '{"last":true}'];

describe('NdjsonSplitter', () => {
  it('gives the same lines for every split in two, inside runes and line ends too', () => {
    for (let at = 0; at <= stream.length; at++) {
      assert.deepEqual(split([stream.subarray(0, at), stream.subarray(at)]).lines, expected, `split at byte ${at}`);
    }
  });

  it('gives the same lines byte by byte', () => {
    assert.deepEqual(split(Array.from(stream, (byte) => Buffer.from([byte]))).lines, expected);
  });

  it('gives the same lines for any text in any chunks', () => {
    const line = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }).map((text) => JSON.stringify({ text }));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.array(fc.nat(400), { maxLength: 20 }), (lines, cuts) => {
        const bytes = Buffer.from(lines.join('\n'));
        const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((to, i) => bytes.subarray(at[i], to));
        assert.deepEqual(
          split(chunks).lines,
          lines.map((text) => Buffer.from(text).toString()),
        );
      }),
    );
  });

  it('stops at a line longer than the bound, whole or in pieces, and delivers what came before it', () => {
    const long = Buffer.from(`{"x":"${'y'.repeat(200)}"}`);
    const whole = split([Buffer.from('{"a":1}\n'), long, Buffer.from('\n{"b":2}\n')], 100);
    assert.deepEqual(whole, { lines: ['{"a":1}'], tooLong: [long.length] });
    const pieces = split(
      Array.from({ length: 30 }, () => Buffer.from('0123456789')),
      100,
    );
    assert.deepEqual(pieces, { lines: [], tooLong: [110] });
    assert.deepEqual(split([Buffer.concat([long, Buffer.from('\n{"b":2}\n')])], 100).lines, []);
  });

  it('delivers nothing after stop, not even the rest of the chunk in hand', () => {
    const lines: string[] = [];
    const splitter = new NdjsonSplitter(
      {
        run: (_text, from) => from,
        line(text) {
          lines.push(text);
          if (lines.length === 2) splitter.stop();
        },
        lineTooLong: () => assert.fail(),
      },
      100,
    );
    splitter.push(Buffer.from('{"a":1}\n{"b":2}\n{"c":3}\n{"d":'));
    splitter.push(Buffer.from('4}\n'));
    splitter.end();
    assert.deepEqual(lines, ['{"a":1}', '{"b":2}']);
  });
});
