import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { byUrgency } from './alert-order.ts';

describe('order of alerts', () => {
  it('puts what fires first, then what warns or is about to, the urgent ones before the others', () => {
    const rules = [
      { name: 'b', level: 'ok', severity: 'ticket', pending: false },
      { name: 'a', level: 'ok', severity: 'page', pending: false },
      { name: 'c', level: 'ok', severity: 'ticket', pending: true },
      { name: 'd', level: 'warn', severity: 'page', pending: false },
      { name: 'e', level: 'alert', severity: 'ticket', pending: false },
      { name: 'f', level: 'alert', severity: 'page', pending: false },
    ] as const;
    assert.equal(
      byUrgency(rules)
        .map(({ name }) => name)
        .join(''),
      'fedcab',
    );
  });
});
