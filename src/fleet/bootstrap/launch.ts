/** From a model's name to a machine that serves it to us alone: what is rented, and what lets us in. */
import type { LaunchSpec } from '../fleet-provider.ts';
import { encodeAdmission, makeIdentity, type Admission } from './identity.ts';
import { bootstrapScript, scriptDefaults } from './script.ts';

export interface LaunchSettings {
  /** Where the market's API is. */
  readonly marketUrl: string;
  /** As Ollama names it. */
  readonly model: string;
  readonly image: string;
  readonly diskGb: number;
  /** Answers at a time. Memory for the context is taken this many times. */
  readonly slots: number;
  readonly contextTokens: number;
  /** A machine that hears nothing from us for so long stops itself. */
  readonly idleStopS: number;
}

export const launchDefaults = {
  image: 'ollama/ollama:latest',
  /** Image, a model of 6 GB, and room for its pull. */
  diskGb: 32,
  slots: 8,
  contextTokens: 8_192,
  idleStopS: 7_200,
} as const satisfies Omit<LaunchSettings, 'marketUrl' | 'model'>;

/** Beyond this the machine says that it is busy: requests wait at the gateway, where they can still go elsewhere. */
const workerQueueMax = 16;

/** @throws Error when the model's name cannot be one */
export function prepareLaunch(
  label: string,
  settings: LaunchSettings,
): { readonly spec: LaunchSpec; readonly secrets: string } {
  const { model, slots } = settings;
  if (!/^[\w][\w./:-]{0,200}$/.test(model)) throw new Error(`\`${model}\` is not the name of a model`);
  const { machine, admission } = makeIdentity();
  return {
    secrets: encodeAdmission(admission),
    spec: {
      label,
      image: settings.image,
      diskGb: settings.diskGb,
      ports: [scriptDefaults.port],
      script: bootstrapScript({ ...scriptDefaults, marketUrl: settings.marketUrl }),
      env: {
        GW_KEY: machine.keyBase64,
        GW_TOKEN: machine.token,
        GW_MODEL: model,
        GW_IDLE_STOP_S: String(settings.idleStopS),
        // The image listens on all interfaces, and Ollama asks nobody for a password.
        OLLAMA_HOST: `127.0.0.1:${scriptDefaults.ollamaPort}`,
        OLLAMA_KEEP_ALIVE: '-1',
        OLLAMA_NUM_PARALLEL: String(slots),
        OLLAMA_CONTEXT_LENGTH: String(settings.contextTokens),
        OLLAMA_MAX_LOADED_MODELS: '1',
        OLLAMA_FLASH_ATTENTION: '1',
        OLLAMA_KV_CACHE_TYPE: 'q8_0',
        OLLAMA_MAX_QUEUE: String(workerQueueMax),
        OLLAMA_NO_CLOUD: '1',
      },
    },
  };
}

/** Container port behind which a machine answers. */
export const workerPort: number = scriptDefaults.port;

/** How a thinker there is connected to: the pin is compared before a byte is sent. */
export function connectionOf(
  { token, pinSha256 }: Admission,
  { host, port }: { readonly host: string; readonly port: number },
): { readonly url: string; readonly bearer: string; readonly tls: { readonly pinSha256: string } } {
  const shown = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return { url: `https://${shown}:${port}`, bearer: token, tls: { pinSha256 } };
}
