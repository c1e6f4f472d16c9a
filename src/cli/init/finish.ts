/** What to do with it: addresses and blocks to copy. */
import { chooseModel } from '../../core/choose-model.ts';
import type { Setup } from './setup.ts';

export interface FinishFacts {
  readonly gatewayUrl: string;
  readonly apiKey: string | undefined;
  readonly config: string;
  readonly model: string;
  /** As it must be typed here. */
  readonly command: string;
}

/** What a simulated thinker serves first, for examples. */
const demoModel = 'llama3.2:3b';

export function modelOf({ source }: Pick<Setup, 'source'>): string {
  switch (source.kind) {
    case 'demo':
      return demoModel;
    case 'ollama':
      return chooseModel(source.models) ?? 'llama3.2';
    case 'vast':
      return source.needs.model;
  }
}

export function clientText({ gatewayUrl, apiKey, model }: FinishFacts): string {
  const key = apiKey ?? 'any-key-will-do';
  return [
    `OpenAI clients     base URL ${gatewayUrl}/v1`,
    `Ollama clients     ${gatewayUrl}`,
    `Anthropic clients  base URL ${gatewayUrl}`,
    ...(apiKey === undefined ? [] : [`Key                ${apiKey}   (tenant team; it is in the secrets folder)`]),
    '',
    'For an OpenAI client:',
    `  export OPENAI_BASE_URL=${gatewayUrl}/v1 OPENAI_API_KEY=${key}`,
    '',
    'For an Anthropic client:',
    `  export ANTHROPIC_BASE_URL=${gatewayUrl} ANTHROPIC_API_KEY=${key}`,
    '',
    ...(apiKey === undefined
      ? ['For Ollama:', `  OLLAMA_HOST=${gatewayUrl} ollama run ${model}`]
      : [
          "For curl (Ollama's own client sends no key: let its address in under keys.byAddress):",
          `  curl -H "Authorization: Bearer ${key}" ${gatewayUrl}/api/chat -d '{"model":"${model}","messages":[{"role":"user","content":"Why is the sky blue?"}],"stream":false}'`,
        ]),
    '',
  ].join('\n');
}

export const nextText = ({ config, command }: FinishFacts): string =>
  ['Start it:', `  ${command} up --config ${quoted(config)}`, ''].join('\n');

/** As a shell takes it. */
const quoted = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
