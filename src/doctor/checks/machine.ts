/** D01, D02, D03, D16, D18: the machine, and what lies on it. */
import type { CallOptions } from '../../core/chat.ts';
import { formatBytes } from '../../core/format.ts';
import { fail, ok, skipped, warn, type Check } from '../check.ts';

export interface MachineFacts {
  readonly nodeVersion: string;
  readonly platform: string;
  readonly openFilesMax: number | undefined;
}

export const nodeMajorMin = 24;
/** Each client and each thinker has a connection. */
const openFilesMin = 4_096;

export function checkRuntime(facts: MachineFacts): Check {
  return {
    id: 'D01',
    look: async () => {
      const { nodeVersion, platform, openFilesMax } = facts;
      const evidence = `Node ${nodeVersion} on ${platform}${openFilesMax === undefined ? '' : `, ${openFilesMax} open files at most`}`;
      if (Number(nodeVersion.split('.')[0]) < nodeMajorMin)
        return fail(evidence, `install Node ${nodeMajorMin} or newer`);
      if (openFilesMax !== undefined && openFilesMax < openFilesMin)
        return warn(
          evidence,
          `allow more open files (\`ulimit -n 65536\`, or LimitNOFILE of the service): each client is one`,
        );
      return ok(evidence);
    },
  };
}

export interface PortProbe {
  readonly name: 'gateway' | 'operator';
  readonly host: string;
  readonly port: number;
  readonly option: string;
}

/** @param running addresses of the gateway that runs, where one does */
export function checkPorts(
  ports: readonly PortProbe[],
  running: readonly string[] | undefined,
  tryListen: (host: string, port: number) => Promise<string | undefined>,
): Check {
  return {
    id: 'D02',
    look: async () => {
      if (running !== undefined) return ok(`the gateway has them: ${running.join(', ')}`);
      const refusals = await Promise.all(
        ports.map(async ({ name, host, port, option }) => {
          const why = await tryListen(host, port);
          return why === undefined ? [] : [{ text: `${name} port ${host}:${port}: ${why}`, option }];
        }),
      );
      const taken = refusals.flat();
      if (taken.length === 0) return ok(`free: ${ports.map(({ host, port }) => `${host}:${port}`).join(', ')}`);
      return fail(
        taken.map(({ text }) => text).join('; '),
        `stop what listens there, or choose another with ${taken.map(({ option }) => option).join(' and ')} (0 picks a free one)`,
      );
    },
  };
}

export interface DiskAndClock {
  /** Of the file system of the data folder. */
  readonly freeBytes: () => Promise<{ readonly path: string; readonly bytes: number }>;
  /** Clocks of others: of thinkers and of the market, by their HTTP dates. */
  readonly otherClocks: (options: CallOptions) => Promise<readonly { readonly of: string; readonly aheadMs: number }[]>;
}

const freeFailBytes = 200 * 1024 * 1024;
const freeWarnBytes = 2 * 1024 * 1024 * 1024;
/** HTTP dates are whole seconds, and a reply takes a while. */
const skewWarnMs = 10_000;
const skewFailMs = 120_000;

export function checkDiskAndClock({ freeBytes, otherClocks }: DiskAndClock): Check {
  return {
    id: 'D03',
    look: async (options) => {
      const [{ path, bytes }, clocks] = await Promise.all([freeBytes(), otherClocks(options)]);
      const worst = clocks.toSorted((a, b) => Math.abs(b.aheadMs) - Math.abs(a.aheadMs))[0];
      const clockText =
        worst === undefined
          ? 'no other clock to compare with'
          : `${worst.of} is ${Math.abs(worst.aheadMs) < 1_500 ? 'at the same time' : `${(Math.abs(worst.aheadMs) / 1000).toFixed(0)} s ${worst.aheadMs > 0 ? 'ahead' : 'behind'}`}`;
      const evidence = `${formatBytes(bytes)} free at ${path}; ${clockText}`;
      const skewMs = Math.abs(worst?.aheadMs ?? 0);
      const disk = `make room at ${path}, or move dataDir: answers and the ledger are kept there`;
      const time = 'set the clock (NTP): expiry, daily caps and TLS go by it';
      if (bytes < freeFailBytes) return fail(evidence, disk);
      if (skewMs > skewFailMs) return fail(evidence, time);
      if (bytes < freeWarnBytes) return warn(evidence, disk);
      return skewMs > skewWarnMs ? warn(evidence, time) : ok(evidence);
    },
  };
}

export interface SecretFile {
  readonly path: string;
  /** Permission bits; undefined where the file is not there. */
  readonly mode: number | undefined;
}

export interface Secrets {
  readonly files: () => Promise<readonly SecretFile[]>;
  /** Keys that everybody tries first, by where they are set. */
  readonly weak: readonly string[];
  readonly restrict: (path: string) => Promise<void>;
}

export function checkSecrets({ files, weak, restrict }: Secrets): Check {
  return {
    id: 'D16',
    look: async () => {
      const there = (await files()).filter(({ mode }) => mode !== undefined);
      const open = there.filter(({ mode }) => (mode! & 0o077) !== 0);
      if (weak.length > 0)
        return fail(
          `a key that everybody tries first is set by ${weak.join(', ')}`,
          'make one that nobody guesses: `openssl rand -hex 24`',
        );
      if (open.length > 0) {
        const list = open.map(({ path, mode }) => `${path} (${(mode! & 0o777).toString(8)})`).join(', ');
        return fail(
          `others on this machine can read ${list}`,
          `chmod 600 ${open.map(({ path }) => path).join(' ')}`,
          async () => {
            for (const { path } of open) await restrict(path);
            return `chmod 600 ${open.map(({ path }) => path).join(' ')}`;
          },
        );
      }
      return there.length === 0
        ? skipped('no secret is kept in a file')
        : ok(`${there.length} ${there.length === 1 ? 'file' : 'files'}, for their owner alone`);
    },
  };
}

export interface StoredData {
  readonly ownVersion: string;
  /** Of the gateway that runs; undefined when none does. */
  readonly runningVersion: string | undefined;
  readonly databases: () => Promise<readonly { readonly name: string; readonly fault: string | undefined }[]>;
  /** Settings that were changed at run time, and hold instead of what the configuration says. */
  readonly overriding: () => readonly OverridingSetting[];
}

export interface OverridingSetting {
  readonly name: string;
  readonly value: number;
  readonly written: number | undefined;
}

export function checkVersion({ ownVersion, runningVersion, databases, overriding }: StoredData): Check {
  return {
    id: 'D18',
    look: async () => {
      const found = await databases();
      const faulty = found.filter(({ fault }) => fault !== undefined);
      const evidence = `version ${ownVersion}${runningVersion === undefined ? '' : `, running ${runningVersion}`}; ${
        found.length === 0 ? 'nothing stored yet' : `stored: ${found.map(({ name }) => name).join(', ')}`
      }${overriding()
        .map(
          ({ name, value, written }) =>
            `; ${name} was changed at run time to ${value}, configured: ${written ?? 'nothing'}`,
        )
        .join('')}`;
      if (faulty.length > 0)
        return fail(
          faulty.map(({ name, fault }) => `${name}: ${fault}`).join('; '),
          'the gateway sets a damaged file aside at its start; `llm-self-host restore` brings a backup back',
        );
      if (runningVersion !== undefined && runningVersion !== ownVersion)
        return warn(
          evidence,
          'restart the gateway, so that it runs what is installed: llm-self-host down && llm-self-host up',
        );
      return ok(evidence);
    },
  };
}
