import { centerPartition } from '../../replication/ids.ts';
import { readDocuments } from '../control/hub-documents.ts';
import type { ServerParts } from '../parts.ts';
import { asEntry } from './chain-walk.ts';
import type { LogAnswer } from './schemas.ts';

export interface LogQuery {
  /** Only this node's. */
  node: string | undefined;
  /** The id of the last entry that was read. */
  after: string | undefined;
  limit: number;
}

/** A center's log entries, in order of node and number. */
export async function readLog(
  { feed, hub }: ServerParts,
  centerId: string,
  { node, after, limit }: LogQuery,
): Promise<LogAnswer> {
  await feed.fresh();
  const partition = centerPartition(centerId);
  const prefix = node === undefined ? `${partition}:log:` : `${partition}:log:${node}.`;
  const from = after !== undefined && after > prefix ? after : prefix;
  const ids: string[] = [];
  for await (const entries of feed.partitionEntries(partition, { from, to: `${prefix}~` })) {
    for (const [id, { leaves }] of entries) if (id !== after && !leaves[0]?.deleted) ids.push(id);
    if (ids.length > limit) break;
  }
  const page = ids.slice(0, limit);
  const docs = await readDocuments(hub, page);
  const entries = page.flatMap((id) => {
    const doc = docs.get(id);
    if (!doc) return [];
    const { _id, _rev, ...fields } = doc;
    return [{ ...fields, id, chained: asEntry(doc) !== undefined }];
  });
  return { entries, next: ids.length > limit ? (page.at(-1) as string) : null };
}
