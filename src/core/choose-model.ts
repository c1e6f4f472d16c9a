/** Ollama does not say in its lists which models only embed; their names do. */
const embedOnly = /embed|minilm|bge-|e5-|gte-/i;

/** A model to show or to use when none was named: the first one that can chat. */
export function chooseModel(names: readonly string[]): string | undefined {
  return names.find((name) => !embedOnly.test(name)) ?? names[0];
}
