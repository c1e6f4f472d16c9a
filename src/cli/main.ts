/** The command line: builds the program from this process and turns failures into one sentence and an exit code. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { createBareProgram } from './bare-program.ts';
import { addServe } from './commands/serve.ts';
import { CliError, type CliContext } from './context.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const context: CliContext = {
  environment: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  stdin: process.stdin,
  outIsTerminal: process.stdout.isTTY,
  errIsTerminal: process.stderr.isTTY,
  columns: () => process.stdout.columns ?? process.stderr.columns,
  version,
  setExitCode: (code) => {
    process.exitCode = code;
  },
};

// `llm-self-host … | head` closes the pipe early: an end like any other, not a crash.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

try {
  const program = process.argv[2] === 'serve' ? serveAlone() : (await import('./program.ts')).createProgram(context);
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = explain(error);
}

/** What runs for months does not carry every other command with it. */
function serveAlone(): Command {
  const program = createBareProgram(context);
  addServe(program, context);
  return program;
}

function explain(error: unknown): number {
  // Commander has already written its text (help, version, a wrong option).
  if (isCommanderExit(error)) return error.exitCode;
  if (error instanceof CliError || (error instanceof Error && error.name === 'AppError')) {
    context.err(`llm-self-host: ${error.message}\n`);
  } else {
    // A bug: the stack is what helps to mend it.
    context.err(`llm-self-host: unexpected failure\n${error instanceof Error ? error.stack : String(error)}\n`);
  }
  return 1;
}

function isCommanderExit(error: unknown): error is { exitCode: number } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}
