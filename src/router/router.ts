/** Which thinker answers? Filter, score, pick; wait in line where none has room; fail over before the first event. */
import { toAppError, type AppError } from '../core/errors.ts';
import type { ModelName } from '../core/ids.ts';
import type { ThinkerView } from '../thinkers/thinker.ts';
import { AnswerJob } from './answer-job.ts';
import { EmbedJob } from './embed-job.ts';
import { explainAbsence, noThinkerReady, serves } from './filters.ts';
import { Placement, type PlacementDeps } from './placement.ts';
import type { Router } from './router-types.ts';
import { holdOver } from './standby.ts';

export type RouterDeps = PlacementDeps;

export function createRouter(deps: RouterDeps): Router {
  const { pool } = deps;
  const placement = new Placement(deps);

  /** `show` reads a file and needs no place: any ready thinker with the model will do, the least busy first. */
  const servers = (model: ModelName): ThinkerView[] =>
    pool
      .views()
      .filter((view) => serves(view, model))
      .sort((a, b) => a.inFlight - b.inFlight)
      .slice(0, placement.options.triesMax);

  return {
    dispatch(request, sink, options) {
      const job = new AnswerJob(placement, request, sink, options);
      placement.submit(job);
      return job;
    },

    embed(request, { tenant, signal }) {
      return new EmbedJob(placement, request, tenant, signal).run();
    },

    async show(model, body, { signal }) {
      let failure: AppError | undefined;
      for (const view of servers(model)) {
        try {
          const thinker = pool.get(view.id);
          if (thinker) return await thinker.show(body, { signal });
        } catch (error) {
          failure = toAppError(error);
          if (!failure.retryable && failure.code !== 'model_not_found') throw failure;
        }
      }
      if (failure) throw failure;
      const outlook = deps.standby?.outlook(model);
      if (outlook) throw outlook.kind === 'refused' ? outlook.error : holdOver(model, outlook);
      const absence = explainAbsence(pool.views(), model);
      throw absence === 'wait' ? noThinkerReady(pool.views(), model) : absence;
    },

    stats: () => ({ waiting: placement.waiting, running: placement.running }),
    idle: () => placement.idle.stats(),
  };
}
