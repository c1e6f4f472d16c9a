/** A log on disk that never grows beyond two files of a bounded size. */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

/** Of each of the two files: some 50,000 lines. */
const defaultBytesMax = 10 * 1024 * 1024;

/** What pino writes to. The file before the present one is `PATH.1`; what is older is gone. */
export function openLogFile(path: string, bytesMax = defaultBytesMax): { write(line: string): void } {
  let fd = openSync(path, 'a', 0o600);
  let bytes = fstatSync(fd).size;
  return {
    write(line) {
      if (bytes > 0 && bytes + Buffer.byteLength(line) > bytesMax) {
        closeSync(fd);
        renameSync(path, `${path}.1`);
        fd = openSync(path, 'a', 0o600);
        bytes = 0;
      }
      bytes += writeSync(fd, line);
    },
  };
}
