import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createEvents, type RoomEvent } from './events.ts';

it('tells every listener until it leaves, whatever the others do', () => {
  const errors: unknown[] = [];
  const events = createEvents((error) => errors.push(error));
  const heard: RoomEvent[] = [];
  events.on(() => {
    throw new Error('mine');
  });
  const leave = events.on((event) => heard.push(event));
  events.emit({ kind: 'orphan-found', label: 'gw-a-1' });
  leave();
  events.emit({ kind: 'budget-stop', reason: 'day' });
  assert.deepEqual(heard, [{ kind: 'orphan-found', label: 'gw-a-1' }]);
  assert.equal(errors.length, 2);
});
