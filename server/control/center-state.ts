import type { ServerParts } from '../parts.ts';
import type { Direction, Operation } from './operations.ts';
import { readSyncProgress } from './sync-progress.ts';
import { digestEqual, lastSeenAt } from './sync-status.ts';

/** Enough to hold the last one of each direction, as a rule. */
const RECENT_OPERATIONS = 20;

/** Where a center stands, for other services: less than `/api/status` and cheap for one center. Times are ISO 8601. */
export interface CenterState {
  centerId: string;
  /** `error`: the last replication failed, or the replica differs from what it must be. */
  status: 'synced' | 'pending' | 'error';
  /** `null`: unknown, since the center never pulled or its client does not tell. */
  pendingDownload: number | null;
  pendingUpload: number | null;
  lastDownload: string | null;
  lastUpload: string | null;
  /** When anything was heard of it last. */
  lastSeen: string | null;
  conflicts: number;
  quarantined: number;
  /** The sequence that the replica has reached; opaque. */
  since: string | undefined;
}

export async function readCenterState(
  parts: Pick<ServerParts, 'feed' | 'store' | 'quarantine' | 'operations' | 'credentials'>,
  centerId: string,
): Promise<CenterState> {
  const { feed, operations, quarantine, credentials } = parts;
  const progress = await readSyncProgress(parts, centerId);
  const { since, report } = progress;
  const pendingDownload = since === undefined ? null : await feed.pending(centerId, since);
  const pendingUpload = report?.pendingPush ?? null;
  const recent = await operations.list(centerId, { limit: RECENT_OPERATIONS });
  const [last] = recent;
  let quarantined = 0;
  for await (const _entry of quarantine.list(centerId)) quarantined += 1;
  const differs = digestEqual(progress, pendingDownload, feed.digests(centerId)) === false;
  const isPending = pendingDownload !== 0 || (pendingUpload ?? 0) > 0;
  return {
    centerId,
    status: differs || last?.status === 'failed' ? 'error' : isPending ? 'pending' : 'synced',
    pendingDownload,
    pendingUpload,
    lastDownload: latest(progress.lastPullAt, recent, 'download'),
    lastUpload: latest(progress.lastPushAt, recent, 'upload'),
    lastSeen: lastSeenAt(progress, credentials.lastSeenAt(centerId)),
    conflicts: feed.info(centerId).conflicts,
    quarantined,
    since,
  };
}

/** A replicator leaves checkpoints; what a program of the sync API did shows in the operations alone. */
function latest(checkpoint: string | null, recent: readonly Operation[], type: Direction): string | null {
  const ended = recent.find((one) => one.type === type && one.status === 'completed')?.endedAt ?? null;
  return (
    [checkpoint, ended]
      .filter((time) => time !== null)
      .sort()
      .at(-1) ?? null
  );
}
