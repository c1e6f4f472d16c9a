#!/usr/bin/env node
// Plain JavaScript that any Node since 12.20 can read, so that an old one gets a sentence and not a syntax error.
import { spawn } from 'child_process';
import { existsSync, readFileSync } from 'fs';
import { constants } from 'os';
import { dirname, join } from 'path';
import { fileURLToPath, pathToFileURL } from 'url';

const nodeMajorMin = 24;
const root = dirname(dirname(fileURLToPath(import.meta.url)));

if (majorOf(process.versions.node) >= nodeMajorMin) {
  const built = join(root, 'dist', 'cli', 'main.js');
  const source = join(root, 'src', 'cli', 'main.ts');
  void import(pathToFileURL(existsSync(built) ? built : source).href);
} else {
  const bundled = bundledNode();
  if (bundled === undefined) {
    process.stderr.write(
      `llm-self-host needs Node ${nodeMajorMin} or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
        `Install Node ${nodeMajorMin} from your system's packages or a version manager, or run \`npm ci\` in ${root}:\n` +
        `that brings a Node ${nodeMajorMin} of its own, which \`npm start\` and this command then use.\n`,
    );
    process.exit(1);
  }
  runWith(bundled);
}

function majorOf(version) {
  return Number(version.split('.')[0]);
}

/** The `node` package, beside us in a checkout or next to us in someone's node_modules. */
function bundledNode() {
  const binary = process.platform === 'win32' ? 'node.exe' : 'node';
  for (const modules of [join(root, 'node_modules'), dirname(root)]) {
    try {
      const { version } = JSON.parse(readFileSync(join(modules, 'node', 'package.json'), 'utf8'));
      const path = join(modules, 'node', 'bin', binary);
      if (majorOf(version) >= nodeMajorMin && existsSync(path)) return path;
    } catch {
      // Not installed there; the next place, or the message above, follows.
    }
  }
  return undefined;
}

/** Becomes the other Node as far as a parent can: same streams, signals passed on, same exit. */
function runWith(node) {
  const child = spawn(node, [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`llm-self-host: cannot start ${node}: ${error.message}; run \`npm ci\` in ${root} again\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? code : 128 + constants.signals[signal]);
  });
}
