import type { StoredDocument } from '../replication/documents.ts';
import { SyncError } from '../replication/errors.ts';
import type { WriteDocuments } from '../replication/group-commit.ts';
import { parseId } from '../replication/ids.ts';
import { refusalOf } from '../replication/permissions.ts';
import type { Database } from '../replication/pouch.ts';
import { type Refusal, refuseAlone } from '../replication/refuse-alone.ts';
import { parseRevision, revisionsOf } from '../replication/revisions.ts';

/**
 * Makes a database refuse what its center may not write, as the server would: a program at the center hears it at once,
 * and not days later from the quarantine. @param write how what is admitted is written.
 */
export function guardWrites(db: Database, centerId: string, write?: WriteDocuments): Database {
  const refuse: Refusal = async (doc, newEdits) => {
    const reason = await refusal(db, centerId, doc, newEdits);
    return reason === undefined ? undefined : new SyncError('forbidden', reason);
  };
  return refuseAlone(db, refuse, write);
}

async function refusal(
  db: Database,
  centerId: string,
  doc: StoredDocument,
  newEdits: boolean,
): Promise<string | undefined> {
  if (typeof doc._id !== 'string') return 'the document has no _id';
  const type = parseId(doc._id)?.type;
  if (type === 'enrollment') return refusalOf(centerId, doc, await changedFrom(db, doc, newEdits));
  if (!newEdits && (await isStored(db, doc))) return undefined;
  const isFinal = type === 'result' || type === 'log';
  return refusalOf(centerId, doc, isFinal && isLaterRevision(doc, newEdits) ? doc : undefined);
}

function isLaterRevision({ _rev }: StoredDocument, newEdits: boolean): boolean {
  if (_rev === undefined) return false;
  return newEdits || (parseRevision(_rev)?.generation ?? 0) > 1;
}

async function isStored(db: Database, { _id, _rev }: StoredDocument): Promise<boolean> {
  if (_rev === undefined) return false;
  const missing = (await db.revsDiff({ [_id]: [_rev] }))[_id];
  return missing === undefined;
}

/** The version that a write was made on: the nearest ancestor whose body is here, else the winner. */
async function changedFrom(
  db: Database,
  doc: StoredDocument,
  newEdits: boolean,
): Promise<StoredDocument | undefined> {
  const ancestors = doc._revisions ? revisionsOf(doc._revisions).slice(1) : [];
  for (const rev of newEdits ? (doc._rev ? [doc._rev] : []) : ancestors) {
    const found = await read(db, doc._id, { rev });
    if (found) return found;
  }
  return read(db, doc._id, {});
}

async function read(
  db: Database,
  id: string,
  options: { rev?: string },
): Promise<StoredDocument | undefined> {
  return db.get(id, options).catch((error: { status?: number }) => {
    if (error.status !== 404) throw error;
    return undefined;
  });
}
