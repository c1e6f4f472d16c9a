import { InvalidArgumentError, type Command } from 'commander';
import type { FleetHistory, FleetOffers, FleetReport } from '../../admin/admin-types.ts';
import { adminTarget, getJson } from '../client.ts';
import { printJson, type CliContext, type GlobalOptions } from '../context.ts';
import { examples } from '../examples.ts';
import { describeFleet, describeHistory, describeOffers } from '../fleet-text.ts';
import { parseDuration } from '../format.ts';
import { addFleetStart } from './fleet-start.ts';
import { addFleetStop } from './fleet-stop.ts';

interface CountOptions extends GlobalOptions {
  readonly limit: number;
}

interface BlockOptions extends GlobalOptions {
  readonly host?: boolean;
  readonly reason?: string;
  /** Seconds. */
  readonly for?: number;
}

export function addFleet(program: Command, context: CliContext): void {
  const fleet = program
    .command('fleet')
    .description('Rented GPUs: what could be rented, what is, what it costs, and the switch that gives all back.')
    .addHelpText(
      'after',
      examples([
        ['llm-self-host fleet offers', 'what the market has, best first'],
        ['llm-self-host fleet start --workers 1 --for 2h', 'rent now, before anybody asks; shows the cost first'],
        ['llm-self-host fleet status', 'machines, spend, and why'],
        ['llm-self-host fleet stop', 'give everything back, also when the gateway is down'],
      ]),
    );
  addOffers(fleet, context);
  addFleetStart(fleet, context);
  addStatus(fleet, context);
  addFleetStop(fleet, context);
  addHistory(fleet, context);
  addBlock(fleet, context);
  addUnblock(fleet, context);
}

function addOffers(fleet: Command, context: CliContext): void {
  fleet
    .command('offers')
    .description('What could be rented now, best first by dollars per million tokens, and why the rest could not.')
    .option('--limit <n>', 'offers shown', count, 10)
    .addHelpText('after', examples([['llm-self-host fleet offers --limit 5', 'the five best']]))
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<CountOptions>();
      const offers = await getJson<FleetOffers>(adminTarget(context, options), { path: '/api/fleet/offers' });
      if (options.json) printJson(context, offers);
      else context.out(describeOffers(offers, options.limit));
    });
}

function addStatus(fleet: Command, context: CliContext): void {
  fleet
    .command('status')
    .description('The machines there are, what each bills, what is spent of which cap, and why there are so many.')
    .addHelpText('after', examples([['llm-self-host fleet status --json | jq .spend', 'for scripts']]))
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const report = await getJson<FleetReport>(adminTarget(context, options), { path: '/api/fleet' });
      if (options.json) printJson(context, report);
      else context.out(describeFleet(report));
    });
}

function addHistory(fleet: Command, context: CliContext): void {
  fleet
    .command('history')
    .description('What was rented, how long its start took, what it cost, and why it ended. Newest first.')
    .option('--limit <n>', 'rentals shown', count, 20)
    .addHelpText('after', examples([['llm-self-host fleet history --limit 100 --json', 'for scripts']]))
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<CountOptions>();
      const history = await getJson<FleetHistory>(adminTarget(context, options), {
        path: '/api/fleet/history',
        query: { limit: options.limit },
      });
      if (options.json) printJson(context, history);
      else context.out(describeHistory(history));
    });
}

function addBlock(fleet: Command, context: CliContext): void {
  fleet
    .command('block <id>')
    .description('Never rent this machine, or with --host any machine of this host. What runs there is given back.')
    .option('--host', 'the id is a host’s')
    .option('--reason <text>', 'for people')
    .option('--for <time>', 'such as 12h or 7d; default: until it is unblocked', duration)
    .addHelpText('after', examples([['llm-self-host fleet block 20413 --reason "slow disk" --for 7d', 'for a week']]))
    .action(async (id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<BlockOptions>();
      const reply = await getJson<{ blocked: boolean }>(adminTarget(context, options), {
        method: 'POST',
        path: '/api/fleet/block',
        body: {
          kind: kindOf(options),
          id,
          ...(options.reason !== undefined && { reason: options.reason }),
          ...(options.for !== undefined && { hours: options.for / 3600 }),
        },
      });
      if (options.json) printJson(context, reply);
      else context.out(`${kindOf(options)} ${id} is not rented any more\n`);
    });
}

function addUnblock(fleet: Command, context: CliContext): void {
  fleet
    .command('unblock <id>')
    .description('Let a machine, or with --host a host, be rented again that was blocked or has failed.')
    .option('--host', 'the id is a host’s')
    .addHelpText('after', examples([['llm-self-host fleet unblock 20413', 'it may be rented again']]))
    .action(async (id: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<BlockOptions>();
      const reply = await getJson<{ unblocked: boolean }>(adminTarget(context, options), {
        method: 'POST',
        path: '/api/fleet/unblock',
        body: { kind: kindOf(options), id },
      });
      if (options.json) return printJson(context, reply);
      context.out(
        reply.unblocked
          ? `${kindOf(options)} ${id} may be rented again\n`
          : `${kindOf(options)} ${id} was not blocked\n`,
      );
    });
}

const kindOf = ({ host }: BlockOptions): 'host' | 'machine' => (host ? 'host' : 'machine');

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1000)
    throw new InvalidArgumentError('expected a whole number from 1 to 1000');
  return value;
}

function duration(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new InvalidArgumentError('expected a time such as 90s, 15m, 1h or 2d');
  return seconds;
}
