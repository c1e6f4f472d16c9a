import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { tokenText } from './token-text.ts';

it('is what JSON.stringify says, for every text', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    // Halves of surrogate pairs too, which no text should hold and a token may.
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((codes) => String.fromCharCode(...codes)),
    fc.constantFrom('', '"', '\\', '\n', '\u007f', '\u2028', 'Grüße', '“', '👋', '\ud83d', ' '.repeat(33)),
  );
  fc.assert(fc.property(text, (one) => assert.equal(tokenText(one), JSON.stringify(one))));
  for (let code = 0; code <= 0xffff; code++) {
    const letter = String.fromCharCode(code);
    if (tokenText(letter) !== JSON.stringify(letter)) assert.fail(`U+${code.toString(16)}`);
  }
});
