/** `/v1/models`. */

export interface ListedModel {
  /** With its tag. */
  readonly name: string;
  /** RFC 3339, as `/api/tags` has it; undefined when the thinker did not say. */
  readonly modifiedAt: string | undefined;
}

/** `GET /v1/models` */
export function encodeModelList(models: readonly ListedModel[]): string {
  return JSON.stringify({ object: 'list', data: models.map(toModel) });
}

/** `GET /v1/models/:model` */
export function encodeModel(model: ListedModel): string {
  return JSON.stringify(toModel(model));
}

function toModel({ name, modifiedAt }: ListedModel) {
  const at = modifiedAt === undefined ? Number.NaN : Date.parse(modifiedAt);
  // The field is a required number in every SDK: 0 says "unknown".
  const created = Number.isNaN(at) ? 0 : Math.floor(at / 1000);
  return { id: name, object: 'model', created, owned_by: ownerOf(name) };
}

/** The namespace of the name: `library` unless written, as Ollama fills it in. */
function ownerOf(name: string): string {
  const parts = name.split('/');
  return parts.length > 1 ? parts[parts.length - 2]! : 'library';
}
