import type { StoredDocument } from '../replication/documents.ts';
import { createGroupCommit, type WriteOutcome } from '../replication/group-commit.ts';
import { parseId } from '../replication/ids.ts';
import { refusalOf } from '../replication/permissions.ts';
import type { Database } from '../replication/pouch.ts';
import { parseRevision, revisionsOf } from '../replication/revisions.ts';

interface BulkOptions {
  new_edits?: boolean;
}
type BulkRequest = StoredDocument[] | { docs: StoredDocument[]; new_edits?: boolean };
type Callback = (error: unknown, results?: object[]) => void;

/**
 * Makes a database refuse what its center may not write, as the server would: a program at the center hears it at once,
 * and not days later from the quarantine. Every write of a PouchDB goes through `bulkDocs`; those that come at the same
 * time share one sync.
 */
export function guardWrites(db: Database, centerId: string): Database {
  const { write } = createGroupCommit({ bulkDocs: db.bulkDocs.bind(db) });

  async function bulkDocs(request: BulkRequest, options: BulkOptions): Promise<object[]> {
    const docs = Array.isArray(request) ? request : request.docs;
    const newEdits = options.new_edits ?? (Array.isArray(request) ? true : (request.new_edits ?? true));
    const refusals = await Promise.all(docs.map((doc) => refusal(db, centerId, doc, newEdits)));
    const admitted = docs.filter((_, index) => refusals[index] === undefined);
    const outcomes = (await write(admitted, { newEdits }))[Symbol.iterator]();
    const results = docs.map((doc, index) => {
      const reason = refusals[index];
      return reason === undefined ? resultOf(outcomes.next().value as WriteOutcome) : forbidden(doc, reason);
    });
    // With revisions of another database only failures are told, as CouchDB does.
    return newEdits ? results : results.filter((result) => 'error' in result);
  }

  const callbackStyle = (request: BulkRequest, options?: BulkOptions | Callback, callback?: Callback) => {
    const done = typeof options === 'function' ? options : callback;
    const answer = bulkDocs(request, typeof options === 'object' ? options : {});
    if (!done) return answer;
    answer.then((results) => done(null, results), done);
    return undefined;
  };
  return Object.assign(db, { bulkDocs: callbackStyle }) as Database;
}

async function refusal(
  db: Database,
  centerId: string,
  doc: StoredDocument,
  newEdits: boolean,
): Promise<string | undefined> {
  if (typeof doc?._id !== 'string') return 'the document has no _id';
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

function resultOf(outcome: WriteOutcome): object {
  if ('ok' in outcome) return outcome;
  const { id, error: name, reason, status } = outcome;
  return { id, error: true, name, reason, message: reason, status };
}

function forbidden(doc: StoredDocument, reason: string): object {
  return { id: doc?._id ?? '', error: true, name: 'forbidden', reason, message: reason, status: 403 };
}
