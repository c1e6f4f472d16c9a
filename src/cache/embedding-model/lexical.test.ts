import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dot } from '../../core/vector.ts';
import { embeddingModelConformance } from './conformance.ts';
import { createLexicalEmbedding, lexicalVector } from './lexical.ts';
import { foldText, stem } from './lexical/fold.ts';

const similarity = (a: string, b: string): number => dot(lexicalVector(a), lexicalVector(b));
const words = (text: string): string =>
  foldText(text)
    .flatMap(({ text }) => text)
    .join(' ');
const call = { signal: new AbortController().signal };
const embedding = createLexicalEmbedding();

embeddingModelConformance('lexical', () => Promise.resolve(createLexicalEmbedding()));

describe('lexical embedding', () => {
  it('brings rewordings that keep the content words above its own threshold', () => {
    for (const [a, b] of [
      ["What's the capital of France?", 'what is the capital of france'],
      ['How do I boil an egg?', 'How can I boil an egg'],
      ['Please explain how photosynthesis works', 'Could you explain how photosynthesis works?'],
      ["I can't connect to the printer", 'i cannot connect to the printer'],
      ['Where can I organise my favourite colours?', 'Where can I organize my favorite colors?'],
      ['Wie heißt die Hauptstadt von Österreich?', 'wie heisst die hauptstadt von osterreich'],
      ['Why is the café closed on Sundays?', 'Why is the cafe closed on sunday'],
      ['日本の首都はどこですか？', '日本の首都はどこですか'],
    ] as const) {
      const found = similarity(a, b);
      assert.ok(found >= embedding.similarityMin, `${found.toFixed(3)} for ${a} | ${b}`);
    }
  });

  it('keeps questions with another content word, number or negation below its threshold', () => {
    for (const [a, b] of [
      ['How do I boil an egg?', 'How do I boil rice?'],
      ['What is the capital of France?', 'What is the capital of Germany?'],
      ['How many ounces are in 3 cups?', 'How many ounces are in 5 cups?'],
      ['Why does my dog eat grass?', 'Why does my dog not eat grass?'],
      ['日本の首都はどこですか', '中国の人口は何人ですか'],
      ['Столица Франции', 'Столица Германии'],
      ['How do I install Python on Windows?', 'How do I install Python on Linux?'],
      ['Is Java faster than C++?', 'Is Java faster than C#?'],
    ] as const) {
      const found = similarity(a, b);
      assert.ok(found < embedding.similarityMin, `${found.toFixed(3)} for ${a} | ${b}`);
    }
  });

  it('puts unrelated texts near zero', () => {
    assert.ok(Math.abs(similarity('How do I boil an egg?', 'Largest moon of Jupiter')) < 0.25);
  });

  it('gives the same vector in every process, so that stored vectors stay comparable', () => {
    const vector = lexicalVector('How do I boil an egg?');
    const places = [...vector.entries()].sort((a, b) => Math.abs(b[1]) - Math.abs(a[1])).slice(0, 4);
    // A change here means another vector space: give the embedding a new id.
    assert.deepEqual(
      places.map(([place, value]) => [place, Number(value.toFixed(4))]),
      [
        [276, -0.3238],
        [63, -0.2758],
        [158, 0.2758],
        [182, 0.2758],
      ],
    );
  });

  it('gives a unit vector for any text and the same one again, in any batch', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary', maxLength: 60 }), { maxLength: 8 }), async (texts) => {
        const vectors = await embedding.embed(texts, call);
        assert.equal(vectors.length, texts.length);
        for (const [index, vector] of vectors.entries()) {
          assert.equal(vector.length, embedding.dimensions);
          assert.ok(Math.abs(dot(vector, vector) - 1) < 1e-5);
          assert.deepEqual(vector, lexicalVector(texts[index]!));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('does not care about case, spaces and closing punctuation', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('Alpha', 'beta', '42', 'naïve', 'x1'), { minLength: 1 }), (parts) => {
        const vector = lexicalVector(parts.join(' '));
        assert.deepEqual(lexicalVector(`  ${parts.join('  ').toUpperCase()} ?!`), vector);
      }),
    );
  });

  it('leaves texts alone that it cannot tell apart: without words, or too long for one word to show', () => {
    assert.equal(embedding.fits(''), false);
    assert.equal(embedding.fits(' ?! ...'), false);
    assert.equal(embedding.fits('word '.repeat(100)), false);
    assert.equal(embedding.fits('語'.repeat(100)), false);
    assert.equal(embedding.fits('語'.repeat(60)), true);
    assert.equal(embedding.fits('👍'), true);
    assert.equal(embedding.fits('How do I boil an egg?'), true);
  });

  it('gives two texts without words different directions', () => {
    assert.ok(Math.abs(similarity('???', '!!!')) < 0.6);
    assert.equal(Number(similarity('', '').toFixed(6)), 1);
  });

  it('refuses an aborted call and a batch over its bound', async () => {
    await assert.rejects(embedding.embed(['a'], { signal: AbortSignal.abort() }), { code: 'embedding_failed' });
    await assert.rejects(
      embedding.embed(
        Array.from({ length: 33 }, () => 'a'),
        call,
      ),
      {
        code: 'embedding_failed',
        message: /33 texts in one call; the most is 32/,
      },
    );
  });
});

describe('foldText', () => {
  it('writes contractions out, with and without the apostrophe', () => {
    assert.equal(words("I can't"), 'i can not');
    assert.equal(words('I cant'), 'i can not');
    assert.equal(words('won’t she’ll it’s'), 'will not she will it');
    assert.equal(words("they've don't"), 'they have do not');
  });

  it('keeps numbers, versions and language names whole', () => {
    assert.equal(words('1,000 v 3.5 3.10.2 C++ C# F#'), '1000 v 3.5 3.10.2 c++ c# f#');
    assert.equal(words('five 5 twelve'), '5 5 12');
    assert.equal(words('5% $3'), '5 percent dollar 3');
    assert.equal(words('end. 5, 6.'), 'end 5 6');
  });

  it('cuts scripts without spaces into characters and keeps others as words', () => {
    assert.equal(words('東京タワー'), '東 京 タ ワ ー');
    assert.equal(words('서울은 어디'), '서울은 어디');
    assert.equal(words('हिन्दी भाषा'), 'हिन्दी भाषा');
  });

  it('gives all forms of a word one stem', () => {
    for (const forms of [
      ['stop', 'stops', 'stopped', 'stopping'],
      ['travel', 'travels', 'travelling', 'travelled', 'traveling'],
      ['bake', 'bakes', 'baked', 'baking'],
      ['try', 'tries', 'tried', 'trying'],
      ['organise', 'organize', 'organised', 'organizing'],
      ['colour', 'color', 'colours'],
      ['box', 'boxes'],
      ['class', 'classes'],
    ]) {
      assert.equal(new Set(forms.map(stem)).size, 1, forms.map((form) => `${form}: ${stem(form)}`).join(', '));
    }
    assert.notEqual(stem('analysis'), stem('analyst'));
    assert.equal(stem('virus'), 'virus');
  });
});
