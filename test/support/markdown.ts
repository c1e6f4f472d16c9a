/** The parts of a Markdown page that can be checked: fenced blocks, links, headings. */

export interface Block {
  /** Of its first line of code, from 1. */
  readonly line: number;
  /** '' where none is named. */
  readonly language: string;
  readonly text: string;
  /** From `<!-- not run: reason -->` right before it. */
  readonly notRun: string | undefined;
  /** Regular expressions from `<!-- expect: … -->` right before it. */
  readonly expected: readonly string[];
}

export interface Page {
  readonly blocks: readonly Block[];
  readonly links: readonly { readonly target: string; readonly line: number }[];
  /** As GitHub makes them. */
  readonly anchors: ReadonlySet<string>;
  /** Lines of `not run` and `expect` comments with no block after them. */
  readonly strayLines: readonly number[];
}

export function parseMarkdown(text: string): Page {
  const blocks: Block[] = [];
  const links: { target: string; line: number }[] = [];
  const anchors = new Set<string>();
  const strayLines: number[] = [];
  let waiting: number[] = [];
  let notRun: string | undefined;
  let expected: string[] = [];
  const forget = () => {
    waiting = [];
    notRun = undefined;
    expected = [];
  };
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    const fence = /^```(\S*)\s*$/.exec(line);
    if (fence) {
      const closing = lines.indexOf('```', at + 1);
      const end = closing === -1 ? lines.length : closing;
      const code = `${lines.slice(at + 1, end).join('\n')}\n`;
      blocks.push({ line: at + 2, language: fence[1]!, text: code, notRun, expected });
      at = end;
      forget();
      continue;
    }
    const comment = /^<!-- (not run|expect):\s*(.*?)\s*-->$/.exec(line);
    if (comment) {
      waiting.push(at + 1);
      if (comment[1] === 'expect') expected.push(comment[2]!);
      else notRun = comment[2]!;
    } else if (line.trim() !== '') {
      strayLines.push(...waiting);
      forget();
    }
    const heading = /^#{1,6} (.+?)\s*#*$/.exec(line);
    if (heading) addAnchor(anchors, heading[1]!);
    for (const link of line.replace(/`[^`]*`/g, '``').matchAll(/\]\(([^)\s]+)\)/g)) {
      links.push({ target: link[1]!, line: at + 1 });
    }
  }
  return { blocks, links, anchors, strayLines: [...strayLines, ...waiting] };
}

/** GitHub's rule: lower case, no punctuation, hyphens for blanks, a number for a repetition. */
function addAnchor(anchors: Set<string>, heading: string): void {
  const slug = heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
  let name = slug;
  for (let n = 1; anchors.has(name); n++) name = `${slug}-${n}`;
  anchors.add(name);
}
