/** The body of a create, within the limits that the market states. */
import { AppError } from '../../../core/errors.ts';
import type { LaunchSpec } from '../../fleet-provider.ts';

export const launchLimits = {
  imageChars: 1_024,
  labelChars: 256,
  /** `onstart` and all arguments together. */
  scriptChars: 4_096,
  envEntryChars: 256,
  envChars: 32_768,
  ports: 64,
  diskGbMin: 8,
} as const;

const entry = 'bash';

/** @throws provider_refused naming the limit that is passed: the market would refuse it less clearly */
export function encodeLaunch(spec: LaunchSpec): object {
  check('image', spec.image.length, launchLimits.imageChars);
  check('label', spec.label.length, launchLimits.labelChars);
  check('script', entry.length + '-c'.length + spec.script.length, launchLimits.scriptChars);
  const env: Record<string, string> = {};
  let envChars = 0;
  for (const [name, value] of Object.entries(spec.env)) {
    check(`environment variable ${name}`, value.length, launchLimits.envEntryChars);
    envChars += name.length + value.length;
    env[name] = value;
  }
  check('environment', envChars, launchLimits.envChars);
  if (spec.ports.length > launchLimits.ports)
    throw refused(`it publishes ${spec.ports.length} ports; the most is ${launchLimits.ports}`);
  if (spec.diskGb < launchLimits.diskGbMin)
    throw refused(`its disk is ${spec.diskGb} GB; the least is ${launchLimits.diskGbMin}`);
  for (const port of spec.ports) env[`-p ${port}:${port}`] = '1';
  return {
    client_id: 'me',
    image: spec.image,
    env,
    // No bid: an interruptible machine may be taken away at any time.
    price: null,
    disk: spec.diskGb,
    label: spec.label,
    extra: null,
    onstart: entry,
    args: ['-c', spec.script],
    image_login: null,
    python_utf8: false,
    lang_utf8: false,
    use_jupyter_lab: false,
    jupyter_dir: null,
    force: false,
    // Rather no instance than a stopped one that costs storage.
    cancel_unavail: true,
    template_hash_id: null,
    user: null,
    // Keeps ssh and its proxy out of the machine.
    runtype: 'args',
    target_state: 'running',
  };
}

function check(what: string, chars: number, charsMax: number): void {
  if (chars > charsMax) throw refused(`its ${what} has ${chars} characters; the most is ${charsMax}`);
}

const refused = (why: string): AppError => new AppError('provider_refused', `the launch cannot be asked for: ${why}`);
