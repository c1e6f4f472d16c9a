/** Lets waiting requests run between two pieces of a long piece of work on the main thread. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
