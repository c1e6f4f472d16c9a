/** How this copy came here, and so how a newer one does. */
import { sep } from 'node:path';

export type Installation = 'checkout' | 'container' | 'npx' | 'global' | 'project';

export interface InstallationFacts {
  /** Folder of the package. */
  readonly root: string;
  readonly hasGit: boolean;
  readonly isContainer: boolean;
}

/** Of the packages that npm puts somewhere, the path tells which way it was asked. */
export function installationOf({ root, hasGit, isContainer }: InstallationFacts): Installation {
  if (hasGit) return 'checkout';
  const parts = root.split(sep);
  if (!parts.includes('node_modules')) return isContainer ? 'container' : 'checkout';
  if (parts.includes('_npx')) return 'npx';
  // …/lib/node_modules on Unix, …/npm/node_modules on Windows.
  const above = parts[parts.lastIndexOf('node_modules') - 1];
  return above === 'lib' || above === 'npm' ? 'global' : 'project';
}

export interface UpgradeSteps {
  /** To be typed by a person, or run by `--yes` where that is possible. */
  readonly commands: readonly string[];
  /** npm can do it; a repository, an image and a cache of npx are their owner's. */
  readonly npm: readonly string[] | undefined;
  readonly how: string;
}

export function stepsFor(installation: Installation, version: string): UpgradeSteps {
  const wanted = `llm-self-host@${version}`;
  switch (installation) {
    case 'checkout':
      return {
        how: 'a checkout of the repository',
        commands: ['git pull --ff-only', 'npm ci'],
        npm: undefined,
      };
    case 'container':
      return {
        how: 'a container image',
        commands: ['docker compose build --pull', 'docker compose up -d'],
        npm: undefined,
      };
    case 'npx':
      return { how: 'npx, from its cache', commands: [`npx ${wanted} up`], npm: undefined };
    case 'global':
      return {
        how: 'npm, for all of this computer',
        commands: [`npm install --global ${wanted}`],
        npm: ['install', '--global', wanted],
      };
    case 'project':
      return { how: 'npm, in a project', commands: [`npm install ${wanted}`], npm: ['install', wanted] };
  }
}

/** Whether `a` is newer than `b`, both `1.2.3` or `1.2.3-rc.1`: a release is newer than what led to it. */
export function isNewer(a: string, b: string): boolean {
  const [coreA = '', ...preA] = a.split('+')[0]!.split('-');
  const [coreB = '', ...preB] = b.split('+')[0]!.split('-');
  const core = compare(coreA.split('.'), coreB.split('.'));
  if (core !== 0) return core > 0;
  const [restA, restB] = [preA.join('-'), preB.join('-')];
  if (restA === '' || restB === '') return restA === '' && restB !== '';
  return compare(restA.split('.'), restB.split('.')) > 0;
}

function compare(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [one, other] = [a[at], b[at]];
    if (one === undefined || other === undefined) return one === undefined ? -1 : 1;
    const [left, right] = [Number(one), Number(other)];
    const bothNumbers = Number.isInteger(left) && Number.isInteger(right);
    const order = bothNumbers ? left - right : one < other ? -1 : one > other ? 1 : 0;
    if (order !== 0) return order;
  }
  return 0;
}
