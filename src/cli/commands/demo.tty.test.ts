/** Promise: the live view keeps to its window, whatever its size, and Ctrl-C ends it with everything given back. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { openTerminal, type Terminal } from '../../../test/support/terminal.ts';

/** The line that is drawn again and again: a clock, the act, and counts as far as the window is wide. */
const status = String.raw`(\d\d:\d\d) {2}.*\d+\/\d+`;
const drawingsMin = 6;

describe('demo in a real terminal', () => {
  let terminal: Terminal;
  afterEach(() => terminal?.close());

  it('draws its line in place while the window changes, and gives everything back on Ctrl-C', async () => {
    terminal = await openTerminal(['demo']);
    for (const [columns, rows] of [
      [100, 40],
      [48, 14],
      [130, 45],
    ] as const) {
      await terminal.resize(columns, rows);
      const seen: string[] = [];
      let screen = '';
      while (seen.length < drawingsMin) {
        const unseen = seen.length === 0 ? '' : `(?!${seen.join('|')})`;
        screen = await terminal.sees(new RegExp(`^${unseen}${status}`, 'm'));
        for (const [, clock] of screen.matchAll(new RegExp(`^${status}`, 'gm'))) seen.push(clock!);
      }
      // What a change of the window has wrapped may stay; no more is added with each drawing.
      const drawn = [...screen.matchAll(new RegExp(`^${status}`, 'gm'))];
      assert.ok(drawn.length <= 3, `${drawn.length} lines are left of ${seen.length} drawings:\n${screen}`);
    }
    await terminal.press('C-c');
    const { screen } = await terminal.ended();
    assert.match(screen, /giving everything back/);
  });
});
