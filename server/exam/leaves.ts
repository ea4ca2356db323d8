import type { StoredDocument } from '../../replication/documents.ts';
import { revisionsOf } from '../../replication/revisions.ts';
import type { CenterFeed } from '../feed/feed.ts';
import type { Hub } from '../hub.ts';

/** Older revisions of a document that are looked at, the newest first. */
const ANCESTORS_READ = 50;

type Reading = { feed: Pick<CenterFeed, 'entries'>; hub: Pick<Hub, 'db'> };

/** The live leaves of documents, by id; none for what does not exist. One look-up in the hub for all. */
export async function readLiveLeaves(
  { feed, hub }: Reading,
  ids: string[],
): Promise<Map<string, StoredDocument[]>> {
  const entries = await feed.entries(ids);
  const docs = ids.flatMap((id, index) =>
    (entries[index]?.leaves ?? []).filter(({ deleted }) => !deleted).map(({ rev }) => ({ id, rev })),
  );
  return readRevisions(hub, docs);
}

/** What the hub still has of a document's older revisions, on every branch. */
export async function readAncestors({ hub }: Pick<Reading, 'hub'>, id: string): Promise<StoredDocument[]> {
  const options = { open_revs: 'all', revs: true } as const;
  const answers = (await hub.db.get(id, options)) as unknown as { ok?: StoredDocument }[];
  const histories = answers.flatMap(({ ok }) =>
    ok?._revisions ? [revisionsOf(ok._revisions).slice(1)] : [],
  );
  const revs = [...new Set(histories.flat())]
    .sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))
    .slice(0, ANCESTORS_READ);
  return (
    (
      await readRevisions(
        hub,
        revs.map((rev) => ({ id, rev })),
      )
    ).get(id) ?? []
  );
}

async function readRevisions(
  hub: Pick<Hub, 'db'>,
  docs: { id: string; rev: string }[],
): Promise<Map<string, StoredDocument[]>> {
  const found = new Map<string, StoredDocument[]>();
  if (docs.length === 0) return found;
  const { results } = await hub.db.bulkGet({ docs } as PouchDB.Core.BulkGetOptions);
  for (const { id, docs: answers } of results) {
    const bodies = answers.flatMap((answer) => ('ok' in answer ? [answer.ok as StoredDocument] : []));
    found.set(id, [...(found.get(id) ?? []), ...bodies]);
  }
  return found;
}
