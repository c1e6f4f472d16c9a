/** The gateway as a service of systemd: of the machine for root, else of the user. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CliError, type CliContext } from './context.ts';

const unitName = 'llm-self-host.service';

/**
 * @param words of the command line, `serve` first
 * Restarts after a crash, not after a refused configuration; waits for answers to finish at a stop.
 */
export function unitText(words: readonly string[]): string {
  const command = [process.execPath, process.argv[1]!, ...words].map(quoted).join(' ');
  return `[Unit]
Description=llm-self-host: one endpoint for LLM clients, with a cache of answers
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=exec
ExecStart=${command}
Restart=on-failure
RestartSec=2
KillSignal=SIGTERM
TimeoutStopSec=45
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
LimitNOFILE=65536

[Install]
WantedBy=default.target
`;
}

/** @throws CliError with the steps to take by hand where systemd is not there */
export function installUnit(words: readonly string[], context: CliContext): { readonly status: string } {
  const isRoot = process.getuid?.() === 0;
  const flags = isRoot ? [] : ['--user'];
  const control = ['systemctl', ...flags];
  const home = context.environment['XDG_CONFIG_HOME'] || join(context.environment['HOME'] || homedir(), '.config');
  const folder = isRoot ? '/etc/systemd/system' : join(home, 'systemd', 'user');
  const state = spawnSync('systemctl', [...flags, 'is-system-running'], { encoding: 'utf8' }).stdout?.trim() ?? '';
  if (state === '' || state === 'offline')
    throw new CliError(
      `systemd does not run here; \`llm-self-host up\` starts it without, and \`llm-self-host up --systemd --print\` prints the unit for ${folder}`,
    );
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, unitName), unitText(words));
  for (const step of [['daemon-reload'], ['enable', '--now', unitName]]) {
    const done = spawnSync('systemctl', [...flags, ...step], { encoding: 'utf8' });
    if (done.status !== 0)
      throw new CliError(
        `\`${[...control, ...step].join(' ')}\` failed: ${(done.stderr || String(done.error)).trim()}`,
      );
  }
  if (!isRoot) context.err('it stops when you log out, unless lingering is on: `loginctl enable-linger`\n');
  return { status: `${control.join(' ')} status ${unitName}` };
}

/** As systemd reads a word of ExecStart. */
const quoted = (word: string): string =>
  /^[\w./:@=-]+$/.test(word)
    ? word
    : `"${word
        .replace(/[\\"]/g, '\\$&')
        .replaceAll('%', '%%')
        .replaceAll('$', () => '$$')}"`;
