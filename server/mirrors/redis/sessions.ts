import type { Redis } from 'ioredis';
import type { Fact } from './documents.ts';
import { confirmedKey, sessionsKey } from './keys.ts';

/** A center's sessions in numbers. */
export interface SessionCounts {
  running: number;
  submitted: number;
  confirmed: number;
}

/**
 * The counts of the centers that a batch touches, as they will be after it. Counted anew from each center's sessions,
 * never added up, so that a batch that comes twice counts once.
 */
export async function countSessions(
  client: Redis,
  facts: readonly Fact[],
): Promise<Map<string, SessionCounts>> {
  const counts = new Map<string, SessionCounts>();
  for (const [centerId, ofCenter] of Map.groupBy(facts, (fact) => fact.centerId)) {
    const relevant = ofCenter.filter(({ kind }) => kind !== 'result');
    if (relevant.length === 0) continue;
    const sessions = new Map(Object.entries(await client.hgetall(sessionsKey(centerId))));
    const confirmed = new Set(await client.smembers(confirmedKey(centerId)));
    for (const fact of relevant) {
      const { enrollmentId } = fact;
      if (fact.kind === 'session') {
        if (fact.status === undefined) sessions.delete(enrollmentId);
        else sessions.set(enrollmentId, fact.status);
      } else if (fact.kind === 'confirmed') {
        if (fact.isConfirmed) confirmed.add(enrollmentId);
        else confirmed.delete(enrollmentId);
      }
    }
    const statuses = [...sessions.values()];
    counts.set(centerId, {
      running: statuses.filter((status) => status === 'running').length,
      submitted: statuses.filter((status) => status === 'submitted').length,
      confirmed: confirmed.size,
    });
  }
  return counts;
}
