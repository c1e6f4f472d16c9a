import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aRecord } from '../../../test/support/running-admin.ts';
import { filterOf, matches } from './request-filter.ts';

const shows = (query: string, record: Parameters<typeof aRecord>[0]): boolean =>
  matches(aRecord(record), filterOf(new URLSearchParams(query)));

describe('filters of requests', () => {
  it('shows everything without any, and with what is not understood', () => {
    for (const query of ['', 'answer=', 'answer=nonsense', 'slower=x', 'slower=-5', 'other=1'])
      assert.ok(shows(query, { totalMs: 1 }), query);
  });

  it('tells failures from answers', () => {
    assert.ok(shows('answer=semantic', { cache: 'semantic' }));
    assert.ok(!shows('answer=semantic', { cache: 'semantic', outcome: 'timeout' }));
    assert.ok(shows('answer=failed', { cache: 'semantic', outcome: 'timeout' }));
    assert.ok(shows('answer=none', { cache: undefined }));
  });

  it('takes all of them together, in any case of letters', () => {
    const record = { cache: 'miss', model: 'Qwen3:8b', tenant: 'team-a', totalMs: 1500 } as const;
    assert.ok(shows('answer=miss&model=qwen&tenant=TEAM&slower=1500', record));
    for (const query of ['model=llama', 'tenant=b', 'slower=1501', 'answer=exact'])
      assert.ok(!shows(query, record), query);
  });
});
