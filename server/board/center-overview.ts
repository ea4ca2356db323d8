import { parseId } from '../../replication/ids.ts';
import { createCenters } from '../control/centers.ts';
import type { CenterAnswer } from '../control/schemas.ts';
import { readSyncProgress } from '../control/sync-progress.ts';
import { partitionEqual } from '../control/sync-status.ts';
import type { ServerParts } from '../parts.ts';
import type { CenterOverview } from './schemas.ts';

/** All of one center at a glance. @throws SyncError not_found. */
export async function readOverview(parts: ServerParts, centerId: string): Promise<CenterOverview> {
  const center: CenterAnswer = await createCenters(parts).get(centerId);
  const { report } = await readSyncProgress(parts, centerId);
  const digests = parts.feed.digests(centerId);
  const partitions = [];
  for (const partition of parts.feed.scope(centerId).partitions) {
    const { documents = 0, digest = '' } = digests[partition] ?? {};
    const isEqual = report ? partitionEqual(report.digests, partition, digests) : null;
    const types = await countTypes(parts, partition);
    partitions.push({ partition, documents, digest, isEqual, types });
  }
  return { center: { ...center }, row: await parts.board.readCenter(centerId), partitions };
}

async function countTypes({ feed }: ServerParts, partition: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for await (const entries of feed.partitionEntries(partition)) {
    for (const [id, { leaves }] of entries) {
      const type = parseId(id)?.type;
      if (type === undefined || leaves.every(({ deleted }) => deleted)) continue;
      counts[type] = (counts[type] ?? 0) + 1;
    }
  }
  return counts;
}
