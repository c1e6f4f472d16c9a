/** The model list as Anthropic's clients page through it: everything is on the first page. */
import type { EpochMs } from '../../../core/units.ts';

export interface ListedModel {
  /** Name to ask for, `name:tag`. */
  readonly id: string;
  /** When the thinker last changed the model's files. */
  readonly createdAt: EpochMs;
}

export function encodeAnthropicModelList(models: readonly ListedModel[]): string {
  return JSON.stringify({
    data: models.map(modelInfo),
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  });
}

export function encodeAnthropicModel(model: ListedModel): string {
  return JSON.stringify(modelInfo(model));
}

/** What a thinker does not tell (limits, capabilities, retirement) is null, which the shape allows. */
function modelInfo(model: ListedModel): Record<string, unknown> {
  return {
    type: 'model',
    id: model.id,
    display_name: model.id,
    created_at: new Date(model.createdAt).toISOString(),
    lifecycle: 'active',
    line: null,
    capabilities: null,
    max_input_tokens: null,
    max_tokens: null,
    deprecated_at: null,
    retires_at: null,
  };
}
