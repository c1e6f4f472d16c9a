/** Where code and indexes point at a page, the page is there. Links between pages: `docs.sim.test.ts`. */
import assert from 'node:assert/strict';
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseMarkdown } from './support/markdown.ts';
import { repositoryFiles, root, textOf } from './support/source-tree.ts';

describe('every page', () => {
  it('is where code, comments and messages say it is', () => {
    const named = repositoryFiles()
      .filter(
        (path) => /\.(ts|tsx|yaml|service|sh|json)$|Dockerfile|\.example$/.test(path) && !path.endsWith('.test.ts'),
      )
      .flatMap((path) =>
        [...textOf(path).matchAll(/\b(docs\/[\w/-]+\.(?:md|json|png))(?:#([\w-]+))?/g)].map(([, file, anchor]) => ({
          path,
          file: file!,
          anchor,
        })),
      );
    assert.ok(named.length > 20, `only ${named.length} were found`);
    const wrong = named.filter(({ file, anchor }) => {
      if (!existsSync(join(root, file))) return true;
      return anchor !== undefined && !parseMarkdown(textOf(file)).anchors.has(anchor);
    });
    assert.deepEqual(wrong, []);
  });

  it('has every page in the index of README.md and in llms.txt', () => {
    const targets = (path: string) => parseMarkdown(textOf(path)).links.map(({ target }) => target.split('#')[0]!);
    const wanted = [...globSync('docs/*.md', { cwd: root }), ...globSync('docs/reference/*', { cwd: root })].toSorted();
    for (const index of ['README.md', 'llms.txt']) {
      const listed = new Set(targets(index));
      assert.deepEqual(
        wanted.filter((page) => !listed.has(page)),
        [],
        `${index} does not lead to these`,
      );
    }
  });

  it('names scripts, benchmarks and results that exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const pages = ['README.md', 'CONTRIBUTING.md', 'bench/README.md', ...globSync('docs/**/*.md', { cwd: root })];
    const named = pages.flatMap((page) =>
      [...textOf(page).matchAll(/npm run ([\w:]+)|(bench\/results\/[a-z0-9-]+\.json)/g)].map(([, script, file]) => ({
        page,
        script,
        file,
      })),
    );
    assert.ok(named.length > 30, `only ${named.length} were found`);
    assert.deepEqual(
      named.filter(({ script, file }) =>
        script === undefined ? !existsSync(join(root, file!)) : !(script in scripts),
      ),
      [],
    );
  });
});
