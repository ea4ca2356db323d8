import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import type { Database } from '../../replication/pouch.ts';
import { revisionsByDocument } from '../../replication/revisions.ts';
import type { ReplicaChange } from '../replica.ts';
import type { RoundParts } from '../sync/round.ts';

type Target = Pick<RoundParts, 'replica' | 'unpushed'>;

/** Writes revisions as a replicator does. @returns how many of them were new. */
export async function writeBatches(
  target: Target,
  batches: AsyncIterable<StoredDocument[]>,
  known: KnownRevisions,
  progress: (revisions: number) => void,
): Promise<number> {
  const { replica, unpushed } = target;
  let written = 0;
  if ((await replica.db.info()).update_seq === 0) {
    await replica.untold(async (tell) => {
      written = await fill(replica.db, batches, known, { tell, progress });
    });
  } else {
    written = await add(target, batches, known, progress);
  }
  await unpushed.noted(Number((await replica.db.info()).update_seq));
  return written;
}

/** Into an empty replica: all there is is new, and its changes need not be read back. */
async function fill(
  db: Database,
  batches: AsyncIterable<StoredDocument[]>,
  known: KnownRevisions,
  { tell, progress }: { tell(change: ReplicaChange): void; progress(revisions: number): void },
): Promise<number> {
  let seq = 0;
  for await (const docs of batches) {
    await write(db, docs);
    known.begin(docs);
    for (const { _id, _rev } of docs) {
      seq += 1;
      tell({ id: _id, seq, revs: [_rev as string] });
    }
    known.clear();
    progress(seq);
  }
  return seq;
}

async function add(
  { replica, unpushed }: Target,
  batches: AsyncIterable<StoredDocument[]>,
  known: KnownRevisions,
  progress: (revisions: number) => void,
): Promise<number> {
  let [revisions, written] = [0, 0];
  for await (const docs of batches) {
    known.begin(docs);
    const missing = await missingOf(replica.db, docs);
    if (missing.length > 0) await write(replica.db, missing);
    const { update_seq } = await replica.db.info();
    await known.written(Number(update_seq), unpushed);
    revisions += docs.length;
    written += missing.length;
    progress(revisions);
  }
  return written;
}

async function write(db: Database, docs: StoredDocument[]): Promise<void> {
  const failed = (await db.bulkDocs(docs as never, { new_edits: false })) as { id: string; reason: string }[];
  const [first] = failed;
  if (first) throw new SyncError('internal_error', `${first.id} could not be written: ${first.reason}`);
}

async function missingOf(db: Database, docs: StoredDocument[]): Promise<StoredDocument[]> {
  const diff = (await db.revsDiff(revisionsByDocument(docs))) as Record<string, { missing: string[] }>;
  return docs.filter(({ _id, _rev }) => diff[_id]?.missing.includes(_rev as string));
}

/** The revisions that are being brought in, until the changes feed has told of them. */
export interface KnownRevisions {
  has(id: string, rev: string): boolean;
  begin(docs: readonly StoredDocument[]): void;
  /** The newest batch stands up to this sequence; the one before it has to be told of by now. */
  written(seq: number, unpushed: Pick<Target['unpushed'], 'noted'>): Promise<void>;
  clear(): void;
}

export function createKnownRevisions(): KnownRevisions {
  let batches: { revisions: Set<string>; seq: number }[] = [];
  return {
    has: (id, rev) => batches.some(({ revisions }) => revisions.has(`${id} ${rev}`)),
    begin(docs) {
      batches.push({ revisions: new Set(docs.map(({ _id, _rev }) => `${_id} ${_rev}`)), seq: 0 });
    },
    async written(seq, unpushed) {
      const newest = batches.at(-1);
      if (newest) newest.seq = seq;
      if (batches.length > 1) {
        await unpushed.noted(batches[0]?.seq ?? 0);
        batches.shift();
      }
    },
    clear() {
      batches = [];
    },
  };
}
