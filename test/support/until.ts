/** Polls a condition that another process or a socket will make true; the deadline is a failure, not a pause. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = 5000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not so after ${deadlineMs} ms`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
