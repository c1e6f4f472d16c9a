/** What a command may touch of the process: given to it, so that tests run commands in the same process. */
export interface CliContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Results, for people and for pipes. */
  out(text: string): void;
  /** Progress, hints and errors. */
  err(text: string): void;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  /** Whether a person is looking at `out`. */
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** Width of the terminal at this moment; undefined where there is none. */
  readonly columns?: () => number | undefined;
  readonly version: string;
  setExitCode(code: number): void;
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly url?: string;
  readonly adminUrl?: string;
}

/** What went wrong, in one sentence for a person; ends the command with exit code 1. */
export class CliError extends Error {
  override readonly name = 'CliError';
}

export const printJson = (context: CliContext, value: unknown): void =>
  context.out(`${JSON.stringify(value, null, 2)}\n`);
