/** The body of a create, as the official client sends it, checked against the limits of the market. */
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import type { RentalRequest } from '../world/instance.ts';
import { ApiError, numberOf, textOf, wordOf } from './http.ts';

const limits = {
  imageChars: 1_024,
  labelChars: 256,
  scriptChars: 4_096,
  envEntryChars: 256,
  envChars: 32_768,
  ports: 64,
  diskGbMin: 8,
  bidUsdMin: 0.001,
  bidUsdMax: 128,
} as const;

export function readCreate(body: JsonObject): RentalRequest {
  const image = textOf(body['image']);
  if (image === undefined || image === '') throw invalid('image is required');
  if (image.length > limits.imageChars) throw invalid(`image is longer than ${limits.imageChars}`);
  const label = readLabel(body['label'] ?? null);
  const onstart = textOf(body['onstart']) ?? null;
  const args = Array.isArray(body['args']) ? (body['args'] as readonly JsonValue[]).map(wordOf) : null;
  const argsText = textOf(body['args_str']) ?? '';
  const scriptChars = (onstart ?? '').length + argsText.length + (args ?? []).join('').length;
  if (scriptChars > limits.scriptChars)
    throw invalid(`args, args_str and onstart are longer than ${limits.scriptChars}`);
  const { env, ports } = readEnv(body['env'] ?? null);
  const diskGb = numberOf(body['disk']) ?? 10;
  if (diskGb < limits.diskGbMin) throw invalid(`disk is smaller than ${limits.diskGbMin} GB`);
  const bid = body['price'] === null || body['price'] === undefined ? undefined : numberOf(body['price']);
  if (bid !== undefined && (bid < limits.bidUsdMin || bid > limits.bidUsdMax))
    throw new ApiError(400, 'invalid_price', 'price is out of range');
  return {
    label,
    image,
    diskGb,
    env,
    ports,
    onstart,
    args,
    runtype: textOf(body['runtype']) ?? 'ssh',
    bid,
    target: body['target_state'] === 'stopped' ? 'stopped' : 'running',
  };
}

export function readLabel(value: JsonValue): string | null {
  const label = textOf(value) ?? null;
  if (label !== null && label.length > limits.labelChars)
    throw new ApiError(400, 'label_too_long', `label is longer than ${limits.labelChars}`);
  return label;
}

/** An object whose keys are names, or docker flags such as `-p 8443:8443`; or a line of docker flags. */
function readEnv(value: JsonValue): { env: [string, string][]; ports: number[] } {
  const pairs = isJsonObject(value)
    ? Object.entries(value).map(([name, text]) => [name, wordOf(text)] as const)
    : typeof value === 'string'
      ? pairsOfFlags(value)
      : [];
  const env: [string, string][] = [];
  const ports: number[] = [];
  let chars = 0;
  for (const [name, text] of pairs) {
    const port = /^-p (\d+):(\d+)(?:\/(?:tcp|udp))?$/.exec(name);
    if (port) {
      ports.push(Number(port[2]));
      continue;
    }
    if (text.length > limits.envEntryChars) throw invalid(`env ${name} is longer than ${limits.envEntryChars}`);
    chars += name.length + text.length;
    env.push([name, text]);
  }
  if (chars > limits.envChars) throw invalid(`env is longer than ${limits.envChars}`);
  if (ports.length > limits.ports) throw invalid(`more than ${limits.ports} ports`);
  return { env, ports };
}

function pairsOfFlags(line: string): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  for (const [, name, text] of line.matchAll(/-e\s+([\w-]+)=(\S*)/g)) pairs.push([name!, text!]);
  for (const [, mapping] of line.matchAll(/-p\s+(\d+:\d+)/g)) pairs.push([`-p ${mapping!}`, '1']);
  return pairs;
}

const invalid = (words: string): ApiError => new ApiError(400, 'invalid_args', words);
