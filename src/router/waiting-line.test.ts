import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tenantId } from '../core/ids.ts';
import { WaitingLine } from './waiting-line.ts';

const item = (name: string) => ({ name, tenant: tenantId(name[0]!) });

function aLine(...names: string[]) {
  const line = new WaitingLine<ReturnType<typeof item>>();
  const items = names.map(item);
  for (const one of items) line.push(one);
  return { line, items };
}

describe('WaitingLine', () => {
  it('remembers whose turn it is from one serving to the next', () => {
    const { line } = aLine('a1', 'a2', 'a3', 'b1', 'b2', 'c1');
    const served: string[] = [];
    for (let i = 0; i < 6; i++) {
      let places = 1;
      line.serve(({ name }) => {
        if (places === 0) return 'waits';
        places -= 1;
        served.push(name);
        return 'left';
      });
    }
    assert.deepEqual([served, line.size], [['a1', 'b1', 'c1', 'a2', 'b2', 'a3'], 0]);
  });

  it('passes over what cannot be placed, and puts at the front what lost its place', () => {
    const { line, items } = aLine('a1', 'a2', 'b1');
    const served: string[] = [];
    line.serve(({ name }) => (name === 'a1' ? 'waits' : (served.push(name), 'left')));
    assert.deepEqual([served, line.items()], [['a2', 'b1'], [items[0]]]);
    const back = item('a0');
    line.pushFront(back);
    assert.deepEqual(line.items(), [back, items[0]]);
  });

  it('removes at once, also from within a serving', () => {
    const { line, items } = aLine('a1', 'a2', 'a3');
    assert.equal(line.remove(items[1]!), true);
    assert.equal(line.remove(items[1]!), false);
    line.serve((one) => {
      line.remove(one);
      return 'left';
    });
    assert.equal(line.size, 0);
  });
});
