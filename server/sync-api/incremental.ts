import { parseId } from '../../replication/ids.ts';
import type { ServerParts } from '../parts.ts';
import { type CenterView, createCenterView } from '../replica/view.ts';

/** One document that has changed for a center. */
export interface Change {
  id: string;
  type: string;
  rev: string;
  /** Deleted, or out of the center's scope. */
  deleted: boolean;
  document: Record<string, unknown> | null;
}

export interface ChangesPage {
  changes: Change[];
  hasMore: boolean;
  /** To be sent as `since` the next time. */
  nextCursor: string;
}

interface Query {
  since: string;
  /** All when absent. */
  types: readonly string[] | undefined;
  limit: number;
}

/** A center's changes as plain JSON, by the tokens of its feed. @throws SyncError bad_request. */
export async function readChanges(
  { feed, hub }: Pick<ServerParts, 'feed' | 'hub'>,
  centerId: string,
  { since, types, limit }: Query,
): Promise<ChangesPage> {
  await feed.fresh();
  const view = createCenterView({ feed, hub });
  const read = feed.changes(centerId, since);
  const rows = [];
  let cursor = since;
  for await (const batch of read.batches) {
    for (const row of batch) {
      const type = parseId(row.id)?.type ?? '';
      if (types && !types.includes(type)) continue;
      if (rows.length === limit) {
        return { changes: await withDocuments(view, centerId, rows), hasMore: true, nextCursor: cursor };
      }
      rows.push({ id: row.id, type, rev: row.revs[0] ?? '', deleted: row.deleted });
      cursor = row.seq;
    }
  }
  return { changes: await withDocuments(view, centerId, rows), hasMore: false, nextCursor: read.end };
}

async function withDocuments(
  view: CenterView,
  centerId: string,
  rows: Omit<Change, 'document'>[],
): Promise<Change[]> {
  const live = rows.filter(({ deleted }) => !deleted);
  const options = { revs: false, latest: true, attachments: false };
  const texts = await view.read(centerId, live, options);
  const documents = new Map(live.map(({ id }, index) => [id, texts[index]]));
  return rows.map((row) => {
    const text = documents.get(row.id);
    if (text === undefined) return { ...row, deleted: true, document: null };
    const document = JSON.parse(text) as Record<string, unknown>;
    return { ...row, rev: String(document._rev), document };
  });
}
