/** The models a simulated thinker has on its disk, and what the native API says of each. */
import { createHash } from 'node:crypto';
import { modelName, type ModelName } from '../../core/ids.ts';
import type { JsonObject } from '../../core/json.ts';

export type Capability = 'completion' | 'tools' | 'thinking' | 'vision' | 'insert' | 'embedding';

export interface SimulatedModel {
  readonly name: string;
  readonly capabilities: readonly Capability[];
  readonly family?: string;
  readonly parameterSize?: string;
  readonly quantization?: string;
  readonly sizeBytes?: number;
  /** Longest context the model itself can hold, tokens. */
  readonly contextLength?: number;
  /** Default `num_ctx`; Ollama's is 4096. */
  readonly defaultNumCtx?: number;
  /** Dimensions of its embeddings. */
  readonly embeddingLength?: number;
  readonly system?: string;
  readonly template?: string;
  readonly parameters?: string;
  readonly license?: string;
  /** Hex SHA-256; derived from the name when absent. */
  readonly digest?: string;
}

/** A model as the server keeps it: every field known. */
export interface StoredModel extends Required<SimulatedModel> {
  readonly name: ModelName;
  readonly modifiedAt: string;
}

export const defaultModels: readonly SimulatedModel[] = [
  {
    name: 'qwen2:7b-instruct-q6_K',
    capabilities: ['completion', 'tools', 'insert'],
    family: 'qwen2',
    parameterSize: '7.6B',
    quantization: 'Q6_K',
    sizeBytes: 6_254_201_536,
    contextLength: 32_768,
  },
  {
    name: 'llama3.2:3b',
    capabilities: ['completion', 'tools'],
    family: 'llama',
    parameterSize: '3.2B',
    quantization: 'Q4_K_M',
    sizeBytes: 2_019_393_189,
    contextLength: 131_072,
  },
  {
    name: 'qwen3:4b',
    capabilities: ['completion', 'tools', 'thinking'],
    family: 'qwen3',
    parameterSize: '4.0B',
    quantization: 'Q4_K_M',
    sizeBytes: 2_620_788_260,
    contextLength: 40_960,
  },
  {
    name: 'gemma3:4b',
    capabilities: ['completion', 'vision'],
    family: 'gemma3',
    parameterSize: '4.3B',
    quantization: 'Q4_K_M',
    sizeBytes: 3_338_801_804,
    contextLength: 131_072,
  },
  {
    name: 'all-minilm:latest',
    capabilities: ['embedding'],
    family: 'bert',
    parameterSize: '23M',
    quantization: 'F16',
    sizeBytes: 45_960_996,
    contextLength: 512,
    defaultNumCtx: 256,
  },
];

const template =
  '{{- if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}<|im_start|>user\n{{ .Prompt }}<|im_end|>\n<|im_start|>assistant\n';

/** One of the default models, or one whose abilities are guessed from its name. */
export function modelFromName(name: string): SimulatedModel {
  const known = defaultModels.find((model) => modelName(model.name) === modelName(name));
  return known ?? { name, capabilities: guessCapabilities(name) };
}

function guessCapabilities(name: string): Capability[] {
  if (/embed|minilm|bge/i.test(name)) return ['embedding'];
  if (/vision|llava|-vl|gemma3/i.test(name)) return ['completion', 'vision'];
  if (/qwen3|r1|think|gpt-oss/i.test(name)) return ['completion', 'tools', 'thinking'];
  return ['completion', 'tools'];
}

export function storedModel(model: SimulatedModel, modifiedAt: string): StoredModel {
  const name = modelName(model.name);
  return {
    family: 'llama',
    parameterSize: '7B',
    quantization: 'Q4_K_M',
    sizeBytes: 4_000_000_000,
    contextLength: 32_768,
    defaultNumCtx: 4_096,
    embeddingLength: 384,
    system: '',
    template: model.capabilities.includes('completion') ? template : '{{ .Prompt }}',
    parameters: model.capabilities.includes('completion') ? 'stop                           "<|im_end|>"' : '',
    license: 'Simulated model; it has no weights and no licence terms of its own.',
    digest: sha256Hex(`simulated model ${name}`),
    ...model,
    name,
    modifiedAt,
  };
}

export const sha256Hex = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** `[host/][namespace/]model[:tag]`, each part of the characters Ollama allows. */
const namePattern = /^(?:[\w.-]+(?::\d+)?\/)?(?:[\w.-]+\/)*[\w][\w.-]*(?::[\w][\w.-]*)?$/;

export const isValidModelName = (name: string): boolean => name.length <= 256 && namePattern.test(name);

/** Most models one server keeps: pulls and copies of a test gone wild end in an error, not in memory. */
const modelsMax = 1_000;

/** What is on the disk. Names match without regard to case, and a missing tag is `latest`, as in Ollama. */
export class ModelShelf {
  readonly #models = new Map<string, StoredModel>();

  constructor(models: readonly StoredModel[]) {
    for (const model of models) this.put(model);
  }

  get(name: string): StoredModel | undefined {
    return this.#models.get(modelName(name).toLowerCase());
  }

  put(model: StoredModel): void {
    const key = model.name.toLowerCase();
    if (this.#models.size >= modelsMax && !this.#models.has(key))
      throw new Error(`the simulated disk holds ${modelsMax} models at most; delete one first`);
    this.#models.set(key, model);
  }

  delete(name: string): boolean {
    return this.#models.delete(modelName(name).toLowerCase());
  }

  /** Newest first, as Ollama lists them. */
  list(): StoredModel[] {
    return [...this.#models.values()].sort((a, b) =>
      a.modifiedAt < b.modifiedAt ? 1 : a.modifiedAt > b.modifiedAt ? -1 : 0,
    );
  }
}

const detailsOf = (model: StoredModel): JsonObject => ({
  parent_model: '',
  format: 'gguf',
  family: model.family,
  families: [model.family],
  parameter_size: model.parameterSize,
  quantization_level: model.quantization,
});

export const tagsRow = (model: StoredModel): JsonObject => ({
  name: model.name,
  model: model.name,
  modified_at: model.modifiedAt,
  size: model.sizeBytes,
  digest: model.digest,
  details: detailsOf(model),
  capabilities: model.capabilities,
});

export const psRow = (
  model: StoredModel,
  residency: { expiresAt: string; numCtx: number; vramShare: number },
): JsonObject => ({
  name: model.name,
  model: model.name,
  size: model.sizeBytes,
  digest: model.digest,
  details: detailsOf(model),
  expires_at: residency.expiresAt,
  size_vram: Math.round(model.sizeBytes * residency.vramShare),
  context_length: residency.numCtx,
});

export function showAnswer(model: StoredModel, options: { verbose: boolean; system: string | undefined }): JsonObject {
  const system = options.system ?? model.system;
  const info: Record<string, JsonObject[string]> = {
    'general.architecture': model.family,
    'general.basename': model.name.split(':')[0]!,
    'general.parameter_count': Math.round(
      parseFloat(model.parameterSize) * (model.parameterSize.endsWith('M') ? 1e6 : 1e9),
    ),
    [`${model.family}.context_length`]: model.contextLength,
    [`${model.family}.embedding_length`]: model.embeddingLength,
    'tokenizer.ggml.model': 'simulated',
    'tokenizer.ggml.tokens': options.verbose ? ['<unk>', '<s>', '</s>'] : null,
  };
  return {
    license: model.license,
    modelfile: `# Modelfile generated by a simulated thinker\nFROM ${model.name}\nTEMPLATE """${model.template}"""\n${
      system === '' ? '' : `SYSTEM """${system}"""\n`
    }`,
    ...(model.parameters !== '' && { parameters: model.parameters }),
    template: model.template,
    ...(system !== '' && { system }),
    details: detailsOf(model),
    model_info: info,
    capabilities: model.capabilities,
    modified_at: model.modifiedAt,
  };
}
