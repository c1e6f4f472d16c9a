/** Notices servers that neither answer nor hang up: a PING of its own, and an end to handshakes that never end. */
import type { Redis } from 'ioredis';
import type { Clock } from '../core/clock.ts';
import { cutNode, sendTo } from './client.ts';

export interface WatchdogDeps {
  readonly clock: Clock;
  readonly nodes: () => readonly Redis[];
  /** A node has answered a PING. */
  readonly onAnswer: () => void;
}

const lookEveryMs = 500;
const pingEveryMs = 1_000;
/** A socket that has been silent for this long though asked is dead: its server may be long gone. */
const silenceMaxMs = 2_000;

interface Watched {
  status: string;
  sinceMs: number;
  pingSentAtMs: number | undefined;
  lastPingMs: number;
}

export function createWatchdog({ clock, nodes, onAnswer }: WatchdogDeps): { stop(): void } {
  const watched = new WeakMap<Redis, Watched>();
  const timer = clock.every(lookEveryMs, () => {
    for (const node of nodes()) look(node);
  });
  return { stop: () => timer.clear() };

  function look(node: Redis): void {
    const now = clock.monotonicMs();
    let seen = watched.get(node);
    if (seen === undefined || seen.status !== node.status) {
      seen = { status: node.status, sinceMs: now, pingSentAtMs: undefined, lastPingMs: -Infinity };
      watched.set(node, seen);
    }
    if (node.status === 'connecting' || node.status === 'connect') {
      if (now - seen.sinceMs > silenceMaxMs + lookEveryMs) {
        seen.sinceMs = now;
        cutNode(node);
      }
      return;
    }
    if (node.status !== 'ready') return;
    if (seen.pingSentAtMs !== undefined) {
      if (now - seen.pingSentAtMs >= silenceMaxMs) {
        seen.pingSentAtMs = undefined;
        cutNode(node);
      }
      return;
    }
    if (now - seen.lastPingMs < pingEveryMs) return;
    const mine = seen;
    mine.pingSentAtMs = now;
    mine.lastPingMs = now;
    sendTo(node, ['PING']).then(
      () => {
        mine.pingSentAtMs = undefined;
        onAnswer();
      },
      () => void (mine.pingSentAtMs = undefined),
    );
  }
}
