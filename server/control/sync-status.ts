import type { PartitionState } from '../feed/feed.ts';
import type { CoreParts } from '../parts.ts';
import type { Centers } from './centers.ts';
import type { CenterAnswer, CenterStatus } from './schemas.ts';
import { readSyncProgress, type SyncProgress } from './sync-progress.ts';

/** The digest of a partition that holds nothing. */
const EMPTY_DIGEST = '0'.repeat(64);

/** Where every center stands. Costs a few reads per center, however many documents it has. */
export async function readStatus(parts: CoreParts, centers: Centers): Promise<CenterStatus[]> {
  const quarantined = await countQuarantined(parts);
  const list = await centers.list();
  return Promise.all(list.map((center) => statusOf(parts, center, quarantined.get(center.centerId) ?? 0)));
}

/** Where one center stands. */
export async function statusOf(
  parts: CoreParts,
  { centerId, name }: Pick<CenterAnswer, 'centerId' | 'name'>,
  quarantined: number,
): Promise<CenterStatus> {
  const { feed, credentials, exam } = parts;
  const progress = await readSyncProgress(parts, centerId);
  const { documents, conflicts } = feed.info(centerId);
  const pendingPull = progress.since === undefined ? null : await feed.pending(centerId, progress.since);
  return {
    centerId,
    name,
    documents,
    pendingPull,
    pendingPush: progress.report?.pendingPush ?? null,
    lastPullAt: progress.lastPullAt,
    lastPushAt: progress.lastPushAt,
    lastSeenAt: lastSeenAt(progress, credentials.lastSeenAt(centerId)),
    conflicts,
    quarantined,
    results: {
      ...exam.verdicts.counts(centerId),
      atNode: progress.report?.results?.total ?? null,
      confirmed: progress.report?.results?.confirmed ?? null,
    },
    digestEqual: digestEqual(progress, pendingPull, feed.digests(centerId)),
    differences: progress.report?.differences ?? [],
    mode: progress.report?.mode ?? null,
  };
}

/**
 * Whether the replica's digests are the hub's; `null` while that cannot be said: a stock client reports none, and
 * sides of which one has something that the other has not yet received differ rightly.
 */
export function digestEqual(
  { report }: SyncProgress,
  pendingPull: number | null,
  hub: Record<string, PartitionState>,
): boolean | null {
  if (!report) return null;
  if (report.differences.length > 0) return false;
  if (Object.keys(hub).every((partition) => partitionEqual(report.digests, partition, hub))) return true;
  return pendingPull === 0 && report.pendingPush === 0 ? false : null;
}

/** Whether the replica's digest of one partition is the hub's. */
export function partitionEqual(
  reported: Record<string, string>,
  partition: string,
  hub: Record<string, PartitionState>,
): boolean {
  return (reported[partition] ?? EMPTY_DIGEST) === (hub[partition]?.digest ?? EMPTY_DIGEST);
}

/** When anything was heard of a center last: a request, a checkpoint or a report. */
export function lastSeenAt(
  { lastPullAt, lastPushAt, report }: SyncProgress,
  request: string | null,
): string | null {
  const times = [lastPullAt, lastPushAt, report?.reportedAt, request];
  return (
    times
      .filter((time): time is string => Boolean(time))
      .sort()
      .at(-1) ?? null
  );
}

async function countQuarantined({ quarantine }: CoreParts): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const { centerId, state } of quarantine.list()) {
    if (state === 'waiting') counts.set(centerId, (counts.get(centerId) ?? 0) + 1);
  }
  return counts;
}
