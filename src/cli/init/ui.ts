/** How the steps speak with a person, or do without one. */
import { CliError, type CliContext } from '../context.ts';

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string;
}

export interface Ui {
  /** `asks`: a wrong answer is asked for again. `unattended`: it ends the command. */
  readonly kind: 'asks' | 'unattended';
  title(text: string): void;
  say(text: string): void;
  warn(text: string): void;
  select<T extends string>(question: {
    readonly message: string;
    readonly options: readonly Choice<T>[];
    readonly initial: T;
  }): Promise<T>;
  text(question: TextQuestion): Promise<string>;
  secret(question: Omit<TextQuestion, 'initial' | 'example'>): Promise<string>;
  confirm(question: { readonly message: string; readonly initial: boolean }): Promise<boolean>;
}

export interface TextQuestion {
  readonly message: string;
  /** What Enter gives; without one something must be typed. */
  readonly initial?: string;
  readonly example?: string;
  /** @returns what is wrong with it */
  readonly check?: (value: string) => string | undefined;
}

/** A person pressed Ctrl-C or said no. */
export class SetupCancelled extends Error {
  override readonly name = 'SetupCancelled';
}

/** Everything comes from options; what they leave open is taken as it would be suggested. */
export function unattendedUi(context: CliContext): Ui {
  const needed = (message: string) => new CliError(`${message}: there is nobody to ask; give it as an option`);
  return {
    kind: 'unattended',
    title: () => {},
    say: (text) => context.err(`${text}\n`),
    warn: (text) => context.err(`warning: ${text}\n`),
    select: ({ initial }) => Promise.resolve(initial),
    text: ({ message, initial }) =>
      initial === undefined ? Promise.reject(needed(message)) : Promise.resolve(initial),
    secret: ({ message }) => Promise.reject(needed(message)),
    confirm: ({ initial }) => Promise.resolve(initial),
  };
}

export async function terminalUi(): Promise<Ui> {
  // Loaded only here: other commands should not pay for it.
  const clack = await import('@clack/prompts');
  const said = <T>(answer: T | typeof clack.CANCEL_SYMBOL): T => {
    if (clack.isCancel(answer)) throw new SetupCancelled();
    return answer;
  };
  const validate =
    ({ check, initial }: Pick<TextQuestion, 'check' | 'initial'>) =>
    (value: string | undefined) => {
      const text = value?.trim() || initial;
      return text === undefined ? 'Something must be typed here.' : check?.(text);
    };
  return {
    kind: 'asks',
    title: (text) => clack.intro(text),
    say: (text) => clack.log.info(text),
    warn: (text) => clack.log.warn(text),
    async select({ message, options, initial }) {
      type Value = (typeof options)[number]['value'];
      return said(
        await clack.select<string>({ message, options: options.map((each) => ({ ...each })), initialValue: initial }),
      ) as Value;
    },
    async text(question) {
      const { message, initial, example } = question;
      const placeholder = initial ?? example;
      const answer = said(
        await clack.text({
          message,
          ...(placeholder !== undefined && { placeholder }),
          validate: validate(question),
        }),
      );
      return answer?.trim() || initial!;
    },
    async secret(question) {
      return said(await clack.password({ message: question.message, validate: validate(question) })).trim();
    },
    async confirm({ message, initial }) {
      return said(await clack.confirm({ message, initialValue: initial }));
    },
  };
}
