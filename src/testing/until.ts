/** Also where a test has put its own clock in the place of this one. */
const later = setTimeout;

/** Polls a condition that another process or a socket will make true; the deadline is a failure, not a pause. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, deadlineMs = 5000): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not so after ${deadlineMs} ms`);
    // A wait that spins takes a core from whoever is to make it true.
    await new Promise((resolve) => later(resolve, 1));
  }
}
