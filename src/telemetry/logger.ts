import { pino, type Logger } from 'pino';
import { openLogFile } from './log-file.ts';

export type { Logger };

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'silent';

/** JSON lines on standard error: standard output belongs to the banner and to commands. @param file instead of that */
export function createLogger(level: LogLevel, file?: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: {
        paths: ['*.apiKey', '*.authorization', '*.bearer', 'apiKey', 'authorization', 'bearer'],
        censor: '[redacted]',
      },
    },
    file === undefined ? pino.destination({ dest: 2, sync: true }) : openLogFile(file),
  );
}

export const silentLogger: Logger = pino({ level: 'silent' });
