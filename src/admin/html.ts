/** Pieces that the pages of the operator port are made of. Whatever comes from outside goes through `escape`. */
import { createHash } from 'node:crypto';
import { style } from './status-page/style.ts';

export const sourceHash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A whole page. `main` and `header` are HTML, the title is text. */
export function page(title: string, header: string, main: string, script = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<header>
${header}
</header>
<main>
${main}
</main>
${script === '' ? '' : `<script>${script}</script>\n`}</body>
</html>
`;
}

export function section(id: string, title: string, content: string, kind = ''): string {
  const wide = kind.includes('wide') ? ' class="wide"' : '';
  const live = kind.includes('live') ? ' data-live' : '';
  return `<section${wide} aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2><div id="${id}"${live}>${content}</div></section>`;
}

export const list = (rows: readonly (readonly [label: string, html: string])[]): string =>
  `<dl>${rows.map(([label, html]) => `<dt>${label}</dt><dd>${html}</dd>`).join('')}</dl>`;

/** A name with `#` before it heads a column of numbers. Wide tables scroll inside their own box, reachable by keyboard. */
export function table(head: readonly string[], rows: readonly string[]): string {
  const cells = head.map((name) =>
    name.startsWith('#') ? `<th scope="col" class="number">${name.slice(1)}</th>` : `<th scope="col">${name}</th>`,
  );
  return `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr>${cells.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

export const count = (value: number): string => Math.round(value).toLocaleString('en');
