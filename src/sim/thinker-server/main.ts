/** The simulated thinker as a program of its own: `node main.ts --profile demo --port 0`. */
import { fstatSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isThinkerProfileName, thinkerProfiles } from '../profiles.ts';
import { isValidModelName, modelFromName } from './models.ts';
import { createSimulatedThinker } from './server.ts';

const usage = `usage: main --port N --host ADDRESS --profile ${Object.keys(thinkerProfiles).join('|')}
            --models NAME,NAME,… --seed N --faults (fault models work and are listed) --control (serves /__sim/…)
            --slots N --max-queue N --cancel-notice at-token|at-once`;

try {
  await run();
} catch (error) {
  process.stderr.write(`simulated thinker: ${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
  process.exit(2);
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      host: { type: 'string', default: '127.0.0.1' },
      profile: { type: 'string', default: 'demo' },
      models: { type: 'string' },
      seed: { type: 'string', default: '1' },
      slots: { type: 'string' },
      'max-queue': { type: 'string' },
      'cancel-notice': { type: 'string', default: 'at-token' },
      faults: { type: 'boolean', default: false },
      control: { type: 'boolean', default: false },
    },
  });
  const { profile, 'cancel-notice': cancelNotice } = values;
  if (!isThinkerProfileName(profile)) throw new Error(`--profile is "${profile}"`);
  if (cancelNotice !== 'at-token' && cancelNotice !== 'at-once')
    throw new Error(`--cancel-notice is "${cancelNotice}"`);
  const names = values.models?.split(',').map((name) => name.trim());
  for (const name of names ?? []) if (!isValidModelName(name)) throw new Error(`--models has "${name}"`);
  const thinker = createSimulatedThinker({
    profile,
    cancelNotice,
    seed: whole('seed', values.seed, 0),
    faults: values.faults,
    control: values.control,
    ...(names && { models: names.map(modelFromName) }),
    ...(values.slots !== undefined && { slots: whole('slots', values.slots, 1) }),
    ...(values['max-queue'] !== undefined && { maxQueue: whole('max-queue', values['max-queue'], 0) }),
  });
  stopWithParent(() => process.exit(0));
  const url = await thinker.listen(whole('port', values.port, 0), values.host);
  process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`);
}

function whole(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new Error(`--${flag} is "${text}"; expected a whole number >= ${least}`);
  return value;
}

/** Nothing here is worth a farewell: when the parent is gone, or asks, the program ends at once. */
function stopWithParent(stop: () => void): void {
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('disconnect', stop);
  const stdin = stdinKind();
  // A terminal or /dev/null says nothing about the parent; a pipe closes with it.
  if (stdin !== 'pipe') return;
  process.stdin.on('end', stop).on('error', stop).resume();
}

function stdinKind(): 'pipe' | 'other' {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isSocket() ? 'pipe' : 'other';
  } catch {
    // A closed stdin cannot be watched.
    return 'other';
  }
}
