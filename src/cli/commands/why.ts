import type { Command } from 'commander';
import type { RequestStory, StoryCandidate } from '../../admin/admin-types.ts';
import { formatDuration, formatMs } from '../../core/format.ts';
import { adminTarget, getJson, type Target } from '../client.ts';
import { CliError, printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { formatTable } from '../format.ts';

export function addWhy(program: Command, context: CliContext): void {
  program
    .command('why')
    .argument('[request-id]', 'as `ask` prints it, or the x-selfhost-request-id header (default: the last request)')
    .description('Why a request was answered as it was: each step, the stored questions that were close, and the cut.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host why', 'the last request'],
        ['llm-self-host why req_Zk3…', 'one of the last 1,000'],
        ['llm-self-host why --json | jq .candidates', 'with every input of the score'],
      ]),
    )
    .action(async (given: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const target = adminTarget(context, options);
      const id = given ?? (await lastRequest(target));
      const story = await getJson<RequestStory>(target, { path: `/api/requests/${encodeURIComponent(id)}/why` });
      if (options.json) printJson(context, story);
      else context.out(describeStory(story));
    });
}

async function lastRequest(target: Target): Promise<string> {
  const { requests } = await getJson<{ requests: { id: string }[] }>(target, {
    path: '/api/requests',
    query: { limit: 1 },
  });
  const [last] = requests;
  if (last === undefined) throw new CliError('nothing was asked yet; `llm-self-host ask "…"` asks something');
  return last.id;
}

export function describeStory(story: RequestStory): string {
  const { request, question, served, decision, candidates, otherTargets, steps } = story;
  const facts: string[] = [
    `request   ${story.requestId}, ${new Date(request.at).toISOString()}, ${request.route}, ${request.model}, tenant ${request.tenant}`,
  ];
  if (question !== undefined) facts.push(`asked     ${oneLine(question)}`);
  if (served !== undefined) {
    if (served.question !== undefined && served.question !== question)
      facts.push(`answer to ${oneLine(served.question)}`);
    const by = served.askedBy === undefined ? '' : `, first asked by ${served.askedBy}`;
    facts.push(`entry     ${served.entryId}${by}${served.stillStored ? '' : ' (no longer stored)'}`);
  }
  const parts = [
    `${story.because}\n`,
    `${facts.join('\n')}\n`,
    formatTable(
      ['STEP', 'TIME', 'WHAT'],
      steps.map(({ name, ms, says }) => [name, ms === undefined ? '' : formatMs(ms), says]),
      wide,
    ),
  ];
  if (decision !== undefined) parts.push(`${decision.says}\n${candidateTable(candidates)}`);
  if (otherTargets.length > 0) parts.push(`${otherTargets.join('\n')}\n`);
  if (story.canBeJudged) parts.push(`Was it wrong? llm-self-host feedback ${story.requestId} wrong\n`);
  return parts.join('\n');
}

function candidateTable(candidates: readonly StoryCandidate[]): string {
  if (candidates.length === 0) return 'No stored question was close enough to look at.\n';
  return formatTable(
    ['', 'SIMILARITY', 'PROBABILITY', 'AGE', 'STORED QUESTION', 'VERDICT'],
    candidates.map((candidate) => [
      candidate.chosen ? '>' : '',
      candidate.similarity.toFixed(3),
      candidate.probability?.toFixed(3) ?? '',
      formatDuration(candidate.ageS),
      clip(oneLine(candidate.text)),
      candidate.says,
    ]),
    wide,
  );
}

/** Sentences in the last column are worth more than a line that fits a narrow terminal. */
const wide = 180;
const questionCharsMax = 60;

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();
const clip = (text: string): string =>
  text.length > questionCharsMax ? `${text.slice(0, questionCharsMax - 1)}…` : text;
