import {
  COMMON_PARTITION,
  centerOfPartition,
  centerPartition,
  testOfPartition,
  testPartition,
} from '../../replication/ids.ts';
import type { Scope } from './feed.ts';
import type { Assignment, Level, Meta, PartitionTotals } from './partition-log.ts';

/** What of the index is held in memory: how far it is, the assignments of each center, the totals of each partition. */
export interface FeedState {
  readonly indexId: string;
  meta: Meta;
  readonly assignments: Map<string, Map<string, Assignment>>;
  readonly totals: Map<string, PartitionTotals>;
  /** Runs one change of the index after another: each reads what it changes. */
  exclusively<Result>(change: () => Promise<Result>): Promise<Result>;
}

const NO_TOTALS: PartitionTotals = { documents: 0, deleted: 0, conflicts: 0, digest: '0', last: 0 };

export async function loadState(level: Level, meta: Meta): Promise<FeedState> {
  const state: FeedState = {
    indexId: meta.indexId,
    meta,
    assignments: new Map(),
    totals: new Map(),
    exclusively: oneAfterAnother(),
  };
  for await (const [key, value] of level.iterator({ gte: 'a/', lt: 'a0' })) {
    const [, centerId, testId] = key.split('/') as [string, string, string];
    setAssignment(state, centerId, testId, JSON.parse(value) as Assignment);
  }
  for await (const [key, value] of level.iterator({ gte: 'p/', lt: 'p0' })) {
    state.totals.set(key.slice(2), JSON.parse(value) as PartitionTotals);
  }
  return state;
}

function oneAfterAnother(): FeedState['exclusively'] {
  let last: Promise<unknown> = Promise.resolve();
  return (change) => {
    const result = last.then(change);
    last = result.catch(() => undefined);
    return result;
  };
}

export function setAssignment(
  state: FeedState,
  centerId: string,
  testId: string,
  assignment: Assignment,
): void {
  const tests = state.assignments.get(centerId) ?? new Map<string, Assignment>();
  state.assignments.set(centerId, tests.set(testId, assignment));
}

export function assignmentOf(state: FeedState, centerId: string, testId: string): Assignment | undefined {
  return state.assignments.get(centerId)?.get(testId);
}

export function totalsOf(state: FeedState, partition: string): PartitionTotals {
  return state.totals.get(partition) ?? NO_TOTALS;
}

/** The partitions a center sees, in the order in which their ids sort. */
export function scopeOf(state: FeedState, centerId: string): Scope {
  const assigned: string[] = [];
  const withdrawn: string[] = [];
  for (const [testId, { status }] of state.assignments.get(centerId) ?? []) {
    (status === 'assigned' ? assigned : withdrawn).push(testId);
  }
  const partitions = [COMMON_PARTITION, centerPartition(centerId), ...assigned.map(testPartition)];
  partitions.sort((a, b) => (`${a}:` < `${b}:` ? -1 : 1));
  return { partitions, assigned: assigned.sort(), withdrawn: withdrawn.sort() };
}

/** The centers that have a document or an assignment. */
export function centersOf(state: FeedState): string[] {
  const centers = new Set(state.assignments.keys());
  for (const [partition, { documents }] of state.totals) {
    const centerId = centerOfPartition(partition);
    if (centerId !== undefined && documents > 0) centers.add(centerId);
  }
  return [...centers];
}

/** Whether a center sees a partition. */
export function seesPartition(state: FeedState, centerId: string, partition: string): boolean {
  if (partition === COMMON_PARTITION || partition === centerPartition(centerId)) return true;
  const testId = testOfPartition(partition);
  return testId !== undefined && assignmentOf(state, centerId, testId)?.status === 'assigned';
}

/** The newest position in a center's scope: all its rows stand at or before it. */
export function lastPosition(state: FeedState, centerId: string): number {
  const partitions = scopeOf(state, centerId).partitions;
  return Math.max(...partitions.map((partition) => totalsOf(state, partition).last));
}
