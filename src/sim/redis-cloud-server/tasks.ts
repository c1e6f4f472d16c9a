/** What is asked of the API is done later: a task is looked at until it has been processed. */

interface Task {
  readonly taskId: string;
  readonly commandType: string;
  /** Looks still needed. */
  left: number;
  /** Runs once, at the last look. */
  readonly done: () => object;
  readonly failure: string | undefined;
  response: object | undefined;
}

export class SimulatedTasks {
  readonly #tasks = new Map<string, Task>();
  readonly #failures = new Map<string, string>();
  readonly #pollsPerTask: number;

  constructor(pollsPerTask: number) {
    this.#pollsPerTask = pollsPerTask;
  }

  failNext(commandType: string, description: string): void {
    this.#failures.set(commandType, description);
  }

  /** @returns what the API says at once. */
  begin(commandType: string, done: () => object): object {
    const failure = this.#failures.get(commandType);
    this.#failures.delete(commandType);
    const task: Task = {
      taskId: `00000000-0000-4000-8000-${String(this.#tasks.size + 1).padStart(12, '0')}`,
      commandType,
      left: this.#pollsPerTask,
      done,
      failure,
      response: undefined,
    };
    this.#tasks.set(task.taskId, task);
    return {
      taskId: task.taskId,
      commandType,
      status: 'received',
      description: 'Task request received and is being queued for processing.',
      timestamp: '2026-01-01T00:00:00.000Z',
      links: [],
    };
  }

  look(taskId: string, baseUrl: string): object | undefined {
    const task = this.#tasks.get(taskId);
    if (task === undefined) return undefined;
    const { commandType, failure } = task;
    const links = [{ rel: 'self', type: 'GET', href: `${baseUrl}/tasks/${taskId}` }];
    const said = (status: string, response: object) => ({ taskId, commandType, status, response, links });
    if (task.left > 0) {
      task.left -= 1;
      return said(task.left === this.#pollsPerTask - 1 ? 'initialized' : 'processing-in-progress', {});
    }
    if (failure !== undefined) {
      return said('processing-error', {
        error: { type: 'PROCESSING_ERROR', status: '400 BAD_REQUEST', description: failure },
      });
    }
    task.response ??= task.done();
    return said('processing-completed', task.response);
  }
}
