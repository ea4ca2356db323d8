import { documentDigest, type Leaf } from '../../replication/digest.ts';
import { CENTER_WRITTEN_TYPES, type StoredDocument } from '../../replication/documents.ts';
import { COMMON_PARTITION, type DocumentId, parseId } from '../../replication/ids.ts';
import type { Database } from '../../replication/pouch.ts';
import { parseRevision, type RevisionHistory } from '../../replication/revisions.ts';
import type { CachedBody } from './feed.ts';
import type { LeafState } from './partition-log.ts';

/** A document as the hub's changes show it, with all that the index keeps of it. */
export interface ChangedDocument {
  id: string;
  parts: DocumentId;
  /** The winner first. */
  leaves: LeafState[];
  winner: StoredDocument;
  digest: string | undefined;
  body: CachedBody | undefined;
}

/** A row of the hub's `_changes` with `style=all_docs` and `include_docs`. */
export interface HubChange {
  id: string;
  changes: { rev: string }[];
  doc?: StoredDocument;
}

/** Whether any center can ever see documents of this partition. */
function isIndexed(parts: DocumentId | undefined): parts is DocumentId {
  if (!parts) return false;
  const { partition } = parts;
  return partition === COMMON_PARTITION || partition.startsWith('center-') || partition.startsWith('test-');
}

/**
 * Turns rows of the hub's changes into what the index keeps, asking the hub only where the rows do not tell.
 * @param onUnreadable told of a document that is left out, since it is nested deeper than anything can read it; of what
 * comes in through this server there is none, but a CouchDB that is the hub may be written to by others.
 */
export async function readChanged(
  hub: Database,
  changes: readonly HubChange[],
  onUnreadable: (id: string, error: RangeError) => void,
): Promise<ChangedDocument[]> {
  const rows: { change: HubChange; parts: DocumentId }[] = [];
  // A CouchDB cluster that loses a worker on the way tells what it has told already once more.
  const newest = new Map(changes.map((change) => [change.id, change]));
  for (const change of newest.values()) {
    const parts = parseId(change.id);
    if (isIndexed(parts) && change.doc) rows.push({ change, parts });
  }
  const asked = await readLeaves(
    hub,
    rows.flatMap(({ change, parts }) => (tellsAll(change, parts) ? [] : leafRequests(change))),
  );
  return rows.flatMap(({ change, parts }) => {
    try {
      return [describe(change, parts, asked.get(change.id))];
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      onUnreadable(change.id, error);
      return [];
    }
  });
}

/** A row tells all when its document has one leaf, and that leaf's history is needed by nobody or is plain. */
function tellsAll(change: HubChange, parts: DocumentId): boolean {
  if (change.changes.length > 1) return false;
  return CENTER_WRITTEN_TYPES.has(parts.type) || change.changes[0]?.rev.startsWith('1-') === true;
}

function leafRequests(change: HubChange): { id: string; rev: string }[] {
  return change.changes.map(({ rev }) => ({ id: change.id, rev }));
}

async function readLeaves(
  hub: Database,
  docs: { id: string; rev: string }[],
): Promise<Map<string, StoredDocument[]>> {
  const found = new Map<string, StoredDocument[]>();
  if (docs.length === 0) return found;
  const { results } = await hub.bulkGet({ docs, revs: true });
  for (const { id, docs: answers } of results) {
    const leaves = answers.flatMap((answer) => ('ok' in answer ? [answer.ok as StoredDocument] : []));
    found.set(id, [...(found.get(id) ?? []), ...leaves]);
  }
  return found;
}

function describe(
  change: HubChange,
  parts: DocumentId,
  asked: StoredDocument[] | undefined,
): ChangedDocument {
  const winner = change.doc as StoredDocument;
  const rev = winner._rev as string;
  const others = (asked ?? []).filter((leaf) => leaf._rev !== rev);
  const leaves = [winner, ...others].map((leaf) => ({
    rev: leaf._rev as string,
    deleted: leaf._deleted === true,
  }));
  const live: Leaf[] = [winner, ...others]
    .filter((leaf) => !leaf._deleted)
    .map((leaf) => ({ rev: leaf._rev as string, body: leaf }));
  const history = asked?.find((leaf) => leaf._rev === rev)?._revisions;
  return {
    id: change.id,
    parts,
    leaves,
    winner,
    digest: live.length > 0 ? documentDigest(change.id, live) : undefined,
    body: CENTER_WRITTEN_TYPES.has(parts.type) ? undefined : cachedBody(winner, history),
  };
}

/** A winner as the index caches it; `undefined` when its history is not known. */
function cachedBody(winner: StoredDocument, known: RevisionHistory | undefined): CachedBody | undefined {
  const { _id, _rev, _revisions, ...fields } = winner;
  const parsed = parseRevision(_rev as string);
  const history = known ?? (parsed?.generation === 1 ? { start: 1, ids: [parsed.hash] } : undefined);
  if (!history) return undefined;
  return { history: JSON.stringify(history), body: JSON.stringify({ _id, _rev, ...fields }) };
}
