import { createRedisLogStore, type RedisLogStoreDeps } from '../redis-log.ts';
import { systemClock } from '../../../core/clock.ts';
import { seededRandom, systemRandom } from '../../../core/random.ts';
import { silentLogger } from '../../../telemetry/logger.ts';

/** A store whose entries age by the clock of a test, while Redis is waited for in real time. */
export const aRedisLogStore = (deps: Pick<RedisLogStoreDeps, 'redis' | 'prefix' | 'clock' | 'options'>) =>
  createRedisLogStore({
    ...deps,
    journalPath: undefined,
    why: 'test',
    pace: systemClock,
    random: seededRandom(systemRandom.int(1e9)),
    logger: silentLogger,
  });
