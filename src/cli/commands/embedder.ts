import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
export function addEmbedder(_program: Command, _context: CliContext): void {}
