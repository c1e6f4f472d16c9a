/** The repository as text: what tidy reads. */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

export const root = dirname(dirname(import.meta.dirname));

/** Paths from the root, with forward slashes. Tracked and new files; in a copy without git, whatever is not ignored by habit. */
export function repositoryFiles(): string[] {
  const listed = existsSync(join(root, '.git'))
    ? execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], {
        cwd: root,
        encoding: 'utf8',
      })
        .split('\0')
        .filter(Boolean)
    : globSync('**/*', { cwd: root, exclude: ['node_modules/**', 'dist/**', '.git/**'] });
  // A file removed from disk but not yet from the index is not there.
  return listed
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => existsSync(join(root, path)) && statSync(join(root, path)).isFile());
}

export const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

/** A file of a room's own proofs, which production never loads. */
export const isTestFile = (path: string): boolean => /\.test\.ts$|\/conformance\.ts$|^test\//.test(path);

export interface Import {
  readonly from: string;
  /** As written. */
  readonly specifier: string;
  /** From the root; undefined for packages. */
  readonly to: string | undefined;
  readonly kind: 'value' | 'type' | 'dynamic';
}

const statement =
  /^\s*(?:import|export)\b(?<clause>[^'";]*?)\bfrom\s*'(?<from>[^']+)'|^\s*import\s*'(?<bare>[^']+)'|\bimport\(\s*'(?<dynamic>[^']+)'\s*\)/gm;

export function importsOf(path: string): Import[] {
  return [...withoutComments(textOf(path)).matchAll(statement)].map(({ groups }) => {
    const specifier = groups!['from'] ?? groups!['bare'] ?? groups!['dynamic']!;
    const to = specifier.startsWith('.')
      ? relative(root, normalize(join(root, dirname(path), specifier))).replaceAll('\\', '/')
      : undefined;
    const isType = /^\s*type\b/.test(groups!['clause'] ?? '');
    return { from: path, specifier, to, kind: groups!['dynamic'] ? 'dynamic' : isType ? 'type' : 'value' };
  });
}

/** Blanks comments and keeps line numbers; strings that look like comments lose a little, which no rule minds. */
export function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`])\/\/[^\n]*/g, '$1');
}
