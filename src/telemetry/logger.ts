import { pino, type Logger } from 'pino';

export type { Logger };

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'silent';

/** JSON lines on standard error: standard output belongs to the banner and to commands. */
export function createLogger(level: LogLevel): Logger {
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
    pino.destination({ dest: 2, sync: true }),
  );
}

export const silentLogger: Logger = pino({ level: 'silent' });
