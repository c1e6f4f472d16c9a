/** Compiles src/cache/vector-index/kernel.wat to kernel-bytes.ts: `node scripts/build-kernel.ts`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const folder = new URL('../src/cache/vector-index/', import.meta.url);

/** @returns base64 of the WebAssembly module. */
export async function compileKernel(): Promise<string> {
  const source = readFileSync(new URL('kernel.wat', folder), 'utf8');
  const compiler = await wabt();
  const features = { simd: true, threads: true };
  const module = compiler.parseWat('kernel.wat', source, features);
  module.resolveNames();
  const { buffer } = module.toBinary({});
  module.destroy();
  return Buffer.from(buffer).toString('base64');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const base64 = await compileKernel();
  const lines = base64.match(/.{1,100}/g) ?? [];
  writeFileSync(
    new URL('kernel-bytes.ts', folder),
    `/** kernel.wat, compiled by scripts/build-kernel.ts. */\nexport const kernelBase64 =\n${lines
      .map((line) => `  '${line}'`)
      .join(' +\n')};\n`,
  );
}
