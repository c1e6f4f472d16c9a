/** Makes the dashboard's files from `app/`: by the build for dist/, and when first asked for while running from src/. */
import { join } from 'node:path';

const app = join(import.meta.dirname, 'app');

/** Name and content; names of scripts and styles change with their content. */
export type Bundle = readonly { readonly name: string; readonly body: Buffer }[];

/** esbuild is a development dependency, so it is loaded here alone and only when there is something to make. */
export async function bundleDashboard({ minify }: { readonly minify: boolean }): Promise<Bundle> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    entryPoints: [join(app, 'main.tsx')],
    outdir: '/assets',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: ['es2022', 'chrome109', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify,
    write: false,
    logLevel: 'silent',
    legalComments: 'none',
  });
  const files = outputFiles.map(({ path, contents }) => ({
    name: path.replaceAll('\\', '/').split('/').at(-1)!,
    body: Buffer.from(contents),
  }));
  const named = (pattern: RegExp): string => {
    const found = files.find(({ name }) => pattern.test(name));
    if (found === undefined) throw new Error(`the bundle has no file like ${String(pattern)}`);
    return found.name;
  };
  const html = indexHtml({ script: named(/^main-.*\.js$/), style: named(/^main-.*\.css$/) });
  return [...files, { name: 'index.html', body: Buffer.from(html) }];
}

const indexHtml = ({ script, style }: { readonly script: string; readonly style: string }): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>llm-self-host</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%230f766e'/%3E%3Cpath d='M4 11V5M8 11V8M12 11V3' stroke='white' stroke-width='2'/%3E%3C/svg%3E">
<link rel="stylesheet" href="/assets/${style}">
<script type="module" src="/assets/${script}"></script>
</head>
<body>
<div id="app"></div>
<noscript><p><a href="/plain">The plain page</a> works without scripts.</p></noscript>
</body>
</html>
`;
