import { partitionOf, testOfPartition } from '../../replication/ids.ts';
import type { Difference } from '../../replication/node-report.ts';
import type { CoreParts } from '../parts.ts';
import { expectTest } from './assignments.ts';
import type { Centers } from './centers.ts';
import type { ReadinessRow } from './schemas.ts';
import { readSyncProgress, type SyncProgress } from './sync-progress.ts';
import { lastSeenAt, partitionEqual } from './sync-status.ts';

/** What is known of one center's replica with regard to one test. */
export interface TestAtCenter {
  centerId: string;
  testId: string;
  synced: boolean;
  /** Documents the replica lacks: of the test, of the center's own, and of what every center has. */
  behind: number;
  /** Digests that differ though nothing is under way. */
  digestsDiffer: boolean;
  differences: Difference[];
  lastSeenAt: string | null;
}

/**
 * Whether each center holds what it needs for each test assigned to it, or for one test.
 * @throws SyncError not_found for an unknown test: no center lacks anything of it, which must not pass for ready.
 */
export async function readReadiness(
  parts: CoreParts,
  centers: Centers,
  options: { test: string | undefined; silentAfterMs: number; now: Date },
): Promise<ReadinessRow[]> {
  if (options.test !== undefined) await expectTest(parts.hub, options.test);
  const rows: ReadinessRow[] = [];
  for (const { centerId, assigned } of await centers.list()) {
    const tests = assigned.filter((testId) => options.test === undefined || testId === options.test);
    if (tests.length === 0) continue;
    rows.push(...(await readCenterReadiness(parts, centerId, tests, options)));
  }
  return rows;
}

/** Whether one center holds what it needs for each of these tests. */
export async function readCenterReadiness(
  parts: CoreParts,
  centerId: string,
  tests: readonly string[],
  options: { silentAfterMs: number; now: Date },
): Promise<ReadinessRow[]> {
  const progress = await readSyncProgress(parts, centerId);
  const pending = await pendingByPartition(parts, centerId, progress);
  return tests.map((testId) =>
    readinessOf(testAtCenter(parts, centerId, testId, progress, pending), options),
  );
}

/** Names the state of one test at one center. What is complete is ready, however long ago it was heard of. */
export function readinessOf(
  test: TestAtCenter,
  { silentAfterMs, now }: { silentAfterMs: number; now: Date },
): ReadinessRow {
  const { centerId, testId, behind, differences } = test;
  const row = { centerId, testId, behind, differences, silentSince: null };
  if (!test.synced) return { ...row, behind: null, state: 'never synced', text: 'never synced' };
  if (differences.length > 0 || test.digestsDiffer) {
    const count = differences.length;
    const text =
      count > 0 ? `differs in ${countOf(count, 'document')}` : 'differs, in documents not named yet';
    return { ...row, state: 'differs', text };
  }
  if (behind === 0) return { ...row, state: 'ready', text: 'ready' };
  const since = test.lastSeenAt;
  if (since !== null && now.getTime() - Date.parse(since) > silentAfterMs) {
    const text = `silent since ${since}, behind by ${behind}`;
    return { ...row, state: 'silent', text, silentSince: since };
  }
  return { ...row, state: 'behind', text: `behind by ${behind}` };
}

function testAtCenter(
  { feed, credentials }: CoreParts,
  centerId: string,
  testId: string,
  progress: SyncProgress,
  pending: Map<string, number>,
): TestAtCenter {
  const { report } = progress;
  const needed = feed.scope(centerId).partitions.filter((partition) => {
    const other = testOfPartition(partition);
    return other === undefined || other === testId;
  });
  const hub = feed.digests(centerId);
  const unequal = report && needed.filter((partition) => !partitionEqual(report.digests, partition, hub));
  // Equal digests say more than a checkpoint: what they cover is there, whatever is still to be read past.
  const lacking = (unequal ?? needed).map((partition) => pending.get(partition) ?? 0);
  const settled = pending.size === 0 && report?.pendingPush === 0;
  return {
    centerId,
    testId,
    synced: progress.since !== undefined,
    behind: lacking.reduce((sum, count) => sum + count, 0),
    digestsDiffer: settled && (unequal?.length ?? 0) > 0,
    differences: (report?.differences ?? []).filter(({ id }) => needed.includes(partitionOf(id))),
    lastSeenAt: lastSeenAt(progress, credentials.lastSeenAt(centerId)),
  };
}

/** How many rows of each partition the center has still to pull. */
async function pendingByPartition(
  { feed }: CoreParts,
  centerId: string,
  { since }: SyncProgress,
): Promise<Map<string, number>> {
  const pending = new Map<string, number>();
  if (since === undefined) return pending;
  for await (const rows of feed.changes(centerId, since).batches) {
    for (const { id } of rows) {
      const partition = partitionOf(id);
      pending.set(partition, (pending.get(partition) ?? 0) + 1);
    }
  }
  return pending;
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
