import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorTable } from '../../src/core/errors.ts';
import { createProgram } from '../../src/cli/program.ts';
import { textOf } from '../../test/support/source-tree.ts';
import { errorsReference, errorTexts } from './errors.ts';
import { commandsOf } from './tables.ts';

const texts = Object.entries(errorTexts);

describe('catalogue of errors', () => {
  it('says of every code what it means and what to do, in words of its own', () => {
    assert.deepEqual(Object.keys(errorTexts).toSorted(), Object.keys(errorTable).toSorted());
    for (const [code, { meaning, remedy }] of texts) {
      assert.match(meaning, /^\p{Lu}.{10,}[.]$/u, code);
      assert.match(remedy, /^[\p{Lu}`].{10,}[.]$/u, code);
      assert.notEqual(meaning, remedy, code);
      assert.ok(!`${meaning}${remedy}`.includes('|'), `${code}: a bar would end the cell`);
      const row = errorsReference()
        .split('\n')
        .find((line) => line.startsWith(`| \`${code}\` |`));
      assert.ok(row?.endsWith(`| ${meaning} | ${remedy} |`), code);
    }
  });

  it('names options that exist', () => {
    const options = textOf('docs/reference/config.md');
    const named = texts.flatMap(([code, { meaning, remedy }]) =>
      [...`${meaning} ${remedy}`.matchAll(/`([a-z]+\.[\w.]+)(?::[^`]*)?`/gi)].map(([, option]) => ({ code, option })),
    );
    const wrong = named.filter(({ option }) => option !== 'config.example.yaml' && !options.includes(`\`${option}\``));
    assert.ok(named.length > 15, `only ${named.length} options were found`);
    assert.deepEqual(wrong, []);
  });

  it('names commands that exist', () => {
    const quiet = () => {};
    const program = createProgram({
      environment: {},
      out: quiet,
      err: quiet,
      stdin: process.stdin,
      outIsTerminal: false,
      errIsTerminal: false,
      version: '',
      setExitCode: quiet,
    });
    const known = new Set(commandsOf(program).map(({ name }) => name));
    const named = texts.flatMap(([, { remedy }]) =>
      [...remedy.matchAll(/`(llm-self-host [a-z ]+?)`/g)].map((match) => match[1]!),
    );
    assert.ok(named.length > 8, `only ${named.length} commands were found`);
    assert.deepEqual(
      named.filter((name) => !known.has(name)),
      [],
    );
  });
});
