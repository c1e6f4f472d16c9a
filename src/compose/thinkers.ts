/** Where answers come from: the configured servers, else the Ollama of this machine, else a simulated thinker. */
import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { thinkerId } from '../core/ids.ts';
import type { Random } from '../core/random.ts';
import { usdMicros } from '../core/units.ts';
import { thinkerProfiles, type ThinkerProfileName } from '../sim/profiles.ts';
import { spawnSimulatedThinker, type SpawnedThinker } from '../sim/spawn-thinker.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { probeOllama } from '../thinkers/ollama/own-gateway.ts';
import { createThinkerPool, type ManagedThinkerPool } from '../thinkers/pool.ts';
import { createOllamaThinker } from '../thinkers/thinker/ollama.ts';
import type { Thinker } from '../thinkers/thinker.ts';
import { ollamaHostUrl } from './ollama-host.ts';

export interface ComposeDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Thinkers {
  readonly pool: ManagedThinkerPool;
  close(): Promise<void>;
}

/** Somebody on this machine answers in milliseconds; longer is waited for only by those who start us. */
const discoveryDeadlineMs = 400;
/** The banner waits this long for the first word of the thinkers; slower ones are told as they are then. */
const firstProbeWaitMs = 600;
const simulatedName = 'simulated';
/** What an Ollama takes at a time unless configured: its own default since 0.5. */
const localConcurrency = 4;
/** A simulator that keeps dying has a reason that another start does not mend. */
const respawnsMax = 5;
const respawnPauseMs = 500;

export async function createThinkers(config: Config, deps: ComposeDeps): Promise<Thinkers> {
  const { clock } = deps;
  const pool = createThinkerPool({
    ...deps,
    options: {
      probeIntervalMs: config.router.probeIntervalMs,
      probeTimeoutMs: config.router.probeTimeoutMs,
      ejectAfterFailures: config.router.ejectAfterFailures,
    },
  });
  const closers: (() => Promise<void>)[] = [() => pool.stop()];
  const static_ = config.thinkers.length > 0 ? configured(config, clock) : await discovered(config, deps);
  if (static_.length > 0) static_.forEach((thinker) => pool.add(thinker));
  else if (config.fleet.provider !== 'off') {
    deps.logger.info({ model: config.fleet.model }, 'no thinkers of our own: machines are rented when somebody asks');
  } else if (config.discovery === 'auto') {
    const simulated = await simulate(config, deps);
    pool.add(simulated.thinker);
    closers.push(simulated.close);
  } else {
    throw new AppError(
      'config_invalid',
      'no thinkers are configured and discovery is off; list your Ollama servers under `thinkers`, or set discovery to auto',
    );
  }
  pool.start();
  await Promise.race([pool.firstProbe(), clock.sleep(firstProbeWaitMs)]);
  return {
    pool,
    async close() {
      for (const close of closers) await close();
    },
  };
}

function configured(config: Config, clock: Clock): Thinker[] {
  const names = new Set<string>();
  return config.thinkers.map((entry, index) => {
    const { host } = new URL(entry.url);
    const name = entry.name ?? host;
    if (names.has(name))
      throw new AppError(
        'config_invalid',
        `two thinkers are named \`${name}\`; give thinkers.${index} another \`name\``,
      );
    names.add(name);
    const bearer = config.bearers[entry.url];
    return createOllamaThinker({
      id: thinkerId(name),
      name,
      kind: 'static',
      url: entry.url,
      maxConcurrency: entry.maxConcurrency,
      costPerHour: usdMicros(entry.costPerHourUsd * 1e6),
      ...(bearer !== undefined && { bearer }),
      connectTimeoutMs: config.timeouts.connectMs,
      clock,
    });
  });
}

async function discovered(config: Config, { clock, logger }: ComposeDeps): Promise<Thinker[]> {
  if (config.discovery === 'off') return [];
  const url = ollamaHostUrl(config.ollamaHost);
  const found = await probeOllama(url, { deadlineMs: discoveryDeadlineMs, clock });
  if (found === 'ollama') {
    return [
      createOllamaThinker({
        id: thinkerId('ollama'),
        name: 'ollama',
        kind: 'static',
        url,
        maxConcurrency: localConcurrency,
        costPerHour: usdMicros(0),
        connectTimeoutMs: config.timeouts.connectMs,
        clock,
      }),
    ];
  }
  if (found === 'own-gateway')
    logger.warn({ url }, 'what answers there is a gateway of ours, not an Ollama; it is not used');
  else if (config.ollamaHost !== undefined)
    logger.warn({ url }, 'no Ollama answers at OLLAMA_HOST; a simulated thinker serves instead');
  return [];
}

async function simulate(
  config: Config,
  { clock, logger }: ComposeDeps,
): Promise<{ thinker: Thinker; close: () => Promise<void> }> {
  const { profile, seed } = config.simulation;
  if (!Object.hasOwn(thinkerProfiles, profile)) {
    throw new AppError(
      'config_invalid',
      `simulation.profile is \`${profile}\`; expected one of ${Object.keys(thinkerProfiles).join(', ')}`,
    );
  }
  const spawnOne = (port: number) =>
    spawnSimulatedThinker({ profile: profile as ThinkerProfileName, seed, port, clock });
  let child: SpawnedThinker = await spawnOne(0);
  const port = Number(new URL(child.url).port);
  let closed = false;
  const watch = (attempt: number): void => {
    void child.exited.then(async (why) => {
      if (closed) return;
      if (attempt > respawnsMax)
        return logger.error(
          { why, attempts: respawnsMax },
          'the simulated thinker keeps ending and is not started again; restart the gateway',
        );
      logger.warn({ why }, 'the simulated thinker ended and is started again');
      await clock.sleep(respawnPauseMs * attempt);
      if (closed) return;
      try {
        child = await spawnOne(port);
      } catch (error) {
        logger.error({ err: error }, 'the simulated thinker cannot be started');
        return;
      }
      watch(attempt + 1);
    });
  };
  watch(1);
  const slots = thinkerProfiles[profile as ThinkerProfileName].slots;
  const thinker = createOllamaThinker({
    id: thinkerId(simulatedName),
    name: simulatedName,
    kind: 'simulated',
    url: child.url,
    maxConcurrency: Number.isFinite(slots) ? slots : 256,
    costPerHour: usdMicros(0),
    connectTimeoutMs: config.timeouts.connectMs,
    clock,
  });
  return {
    thinker,
    close: () => {
      closed = true;
      return child.close();
    },
  };
}
