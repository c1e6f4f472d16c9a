import { Argument, type Command } from 'commander';
import type { FeedbackReply, FeedbackRequest } from '../../admin/admin-types.ts';
import { adminTarget, getJson } from '../client.ts';
import { printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';

export function addFeedback(program: Command, context: CliContext): void {
  program
    .command('feedback')
    .argument('<request-id>', 'as `ask` prints it, or the x-selfhost-request-id header')
    .addArgument(new Argument('<verdict>', 'whether the answer fits the question').choices(['right', 'wrong']))
    .description('Say of an answer from the cache that it was right or wrong. "wrong" takes effect at once.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host feedback req_Zk3… wrong', 'never give that answer to this question again'],
        ['llm-self-host feedback req_Zk3… right', 'teaches what fits'],
      ]),
    )
    .action(async (id: string, verdict: FeedbackRequest['verdict'], _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const body: FeedbackRequest = { verdict };
      const reply = await getJson<FeedbackReply>(adminTarget(context, options), {
        method: 'POST',
        path: `/api/requests/${encodeURIComponent(id)}/feedback`,
        body,
      });
      if (options.json) printJson(context, reply);
      else context.out(`${reply.effect}: ${reply.message}\n`);
    });
}
