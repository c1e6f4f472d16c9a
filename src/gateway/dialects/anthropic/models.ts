/** The model list as Anthropic's clients page through it: everything is on the first page. */
export interface ListedModel {
  /** With its tag. */
  readonly name: string;
  /** RFC 3339, as `/api/tags` has it; undefined when the thinker did not say. */
  readonly modifiedAt: string | undefined;
}

/** `GET /v1/models`, when the caller speaks Anthropic. */
export function encodeAnthropicModelList(models: readonly ListedModel[]): string {
  return JSON.stringify({
    data: models.map(modelInfo),
    has_more: false,
    first_id: models[0]?.name ?? null,
    last_id: models.at(-1)?.name ?? null,
  });
}

/** `GET /v1/models/:model` */
export function encodeAnthropicModel(model: ListedModel): string {
  return JSON.stringify(modelInfo(model));
}

/** What a thinker does not tell (limits, capabilities, retirement) is null, which the shape allows. */
function modelInfo({ name, modifiedAt }: ListedModel): Record<string, unknown> {
  const at = modifiedAt === undefined ? Number.NaN : Date.parse(modifiedAt);
  return {
    type: 'model',
    id: name,
    display_name: name,
    // A required instant; the epoch says "unknown".
    created_at: new Date(Number.isNaN(at) ? 0 : at).toISOString(),
    lifecycle: 'active',
    line: null,
    capabilities: null,
    max_input_tokens: null,
    max_tokens: null,
    deprecated_at: null,
    retires_at: null,
  };
}
