/** The market sends back what it was given: environment, script, tokens. None of it may reach a log, an error or a page. */

const mark = '[redacted]';
/** Shorter values are words such as `1` or `true`, and would blacken every text. */
const secretCharsMin = 8;
/** Instances whose secrets are remembered; the oldest are forgotten, and then learnt again from the market. */
const instancesMax = 1_000;
/** Words of a server that are passed on. */
const wordsMax = 500;

/** What looks like a secret wherever it stands. */
const patterns: readonly RegExp[] = [/\bBearer\s+[\w.~+/=-]+/gi, /\bapi_key=[^&\s"']+/gi, /\b[0-9a-f]{64}\b/gi];
/** `NAME=value`, `"NAME": "value"`, `declare -x NAME="value"`, for names that tell what they hold. */
const namedSecret = /\b(\w*(?:KEY|TOKEN|SECRET|PASSWORD)\w*)(["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;]+)/gi;

export class Redactor {
  readonly #fixed: readonly string[];
  readonly #byInstance = new Map<string, readonly string[]>();

  /** @param secrets of ours, such as the account's key */
  constructor(secrets: readonly string[]) {
    this.#fixed = worthHiding(secrets);
  }

  learn(instance: string, secrets: readonly string[]): void {
    this.#byInstance.delete(instance);
    this.#byInstance.set(instance, worthHiding(secrets));
    if (this.#byInstance.size > instancesMax) this.#byInstance.delete(this.#byInstance.keys().next().value!);
  }

  knows(instance: string): boolean {
    return this.#byInstance.has(instance);
  }

  forget(instance: string): void {
    this.#byInstance.delete(instance);
  }

  /** @param more secrets of this text alone */
  clean(text: string, { instance, more = [] }: { instance?: string; more?: readonly string[] } = {}): string {
    const known = instance === undefined ? [] : (this.#byInstance.get(instance) ?? []);
    let clean = text;
    for (const secret of [...this.#fixed, ...known, ...worthHiding(more)]) clean = clean.replaceAll(secret, mark);
    for (const pattern of patterns) clean = clean.replace(pattern, mark);
    return clean.replace(namedSecret, `$1$2${mark}`);
  }

  /** One line, short enough for an error. */
  words(text: string, options: { instance?: string; more?: readonly string[] } = {}): string {
    const line = this.clean(text, options).replaceAll(/\s+/g, ' ').trim();
    return line.length > wordsMax ? `${line.slice(0, wordsMax)}…` : line;
  }
}

/** Longest first: a secret within another must not leave the rest standing. */
const worthHiding = (secrets: readonly string[]): string[] =>
  [...new Set(secrets.filter((secret) => secret.length >= secretCharsMin))].sort((a, b) => b.length - a.length);

/** Settings that are no secret and help to read a log. */
const openNames = /^(?:OLLAMA_\w+|GW_MODEL|GW_IDLE_STOP_S|-p .*)$/;

/** Values of an environment that may be secret: all but those whose names are known to be harmless. */
export const secretValues = (env: Iterable<readonly [name: string, value: string]>): string[] =>
  [...env].filter(([name]) => !openNames.test(name)).map(([, value]) => value);
