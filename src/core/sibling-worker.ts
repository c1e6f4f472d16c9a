/**
 * Address of a worker program that lies beside the importing module, as source or as built.
 * @param name without extension. @param importerUrl `import.meta.url` of the caller.
 */
export function siblingWorker(name: string, importerUrl: string): URL {
  return new URL(`${name}${importerUrl.endsWith('.ts') ? '.ts' : '.js'}`, importerUrl);
}
