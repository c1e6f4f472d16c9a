import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** package.json lies one folder above both src/ and dist/. */
export const version: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** Commit of a checkout, for metrics and benchmarks; `release` where there is none. */
export function commit(): string {
  // Installed as a package we may lie in somebody else's repository.
  if (!existsSync(new URL('../.git', import.meta.url))) return 'release';
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: new URL('..', import.meta.url),
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString()
      .trim();
  } catch {
    return 'release';
  }
}
