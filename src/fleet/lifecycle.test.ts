import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { epochMs } from '../core/units.ts';
import { deadlineOf, isAlive, isLaunching, mayFollow, phaseDeadlines, startLeftMs, type Phase } from './lifecycle.ts';

const phases: readonly Phase[] = [
  'requested',
  'creating',
  'loading',
  'starting',
  'ready',
  'draining',
  'stopping',
  'stopped',
  'restarting',
  'destroying',
  'gone',
];

describe('lifecycle', () => {
  it('lets nothing that costs money end but by being destroyed', () => {
    for (const phase of phases) {
      if (phase === 'gone' || phase === 'requested') continue;
      assert.equal(mayFollow(phase, 'gone'), phase === 'destroying', phase);
      if (phase !== 'destroying') assert.ok(mayFollow(phase, 'destroying'), phase);
    }
    // Never confirmed: there is nothing to destroy.
    assert.ok(mayFollow('requested', 'gone'));
    assert.ok(!mayFollow('destroying', 'ready'));
    // It proves itself again before it serves.
    assert.ok(!mayFollow('stopped', 'ready') && mayFollow('restarting', 'ready'));
  });

  it('gives every phase of a start, the drain, the stop and the start from a disk a deadline, and no other', () => {
    const timed = phases.filter((phase) => deadlineOf(phase, epochMs(0), phaseDeadlines) !== undefined);
    assert.deepEqual(timed, [...phases.filter(isLaunching), 'draining', 'stopping', 'restarting']);
    assert.deepEqual(
      phases.filter((phase) => !isAlive(phase)),
      ['gone'],
    );
  });

  it('knows the longest that is left of a start', () => {
    const { creatingMs, loadingMs, startingMs } = phaseDeadlines;
    const left = (phase: Phase, sinceMs: number) => startLeftMs(phase, epochMs(0), epochMs(sinceMs), phaseDeadlines);
    assert.equal(left('creating', 20_000), creatingMs - 20_000 + loadingMs + startingMs);
    assert.equal(left('starting', 10 * startingMs), 0);
    assert.equal(left('ready', 0), 0);
  });
});
