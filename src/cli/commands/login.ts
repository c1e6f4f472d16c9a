import type { Command } from 'commander';
import type { LoginLinkReply } from '../../admin/admin-types.ts';
import { adminTarget, getJson } from '../client.ts';
import { printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';

export function addLogin(program: Command, context: CliContext): void {
  program
    .command('login')
    .description('Print a link that opens the dashboard as the operator: once, within an hour. Needs the operator key.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host login', 'open the link in a browser'],
        ['llm-self-host login --admin-url https://gpu.example', 'as others reach it'],
      ]),
    )
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const target = adminTarget(context, options);
      const { path } = await getJson<LoginLinkReply>(target, { method: 'POST', path: '/api/session/link' });
      const url = target.url + path;
      if (options.json) printJson(context, { url });
      else context.out(`${url}\n`);
    });
}
