import type { StoredDocument } from './documents.ts';
import { outOfSpace, SyncError } from './errors.ts';
import { createGroupCommit, type WriteDocuments, type WriteOutcome } from './group-commit.ts';
import { isObject } from './json.ts';
import type { Database } from './pouch.ts';
import { unstorable } from './storable.ts';

interface BulkOptions {
  new_edits?: boolean;
}
type BulkRequest = StoredDocument[] | { docs: StoredDocument[]; new_edits?: boolean };
type Callback = (error: unknown, results?: object[]) => void;

/** Why a document may not be stored, `undefined` when it may. */
export type Refusal = (doc: StoredDocument, newEdits: boolean) => Promise<SyncError | undefined>;

/**
 * Makes a database refuse documents of a batch, each alone: what cannot be stored, and what `refusal` says. Every write
 * of a PouchDB goes through `bulkDocs`, where one document that it cannot read fails all, or ends the process.
 * @param write how the others are written; by default those that come at the same time share one sync.
 */
export function refuseAlone(
  db: Database,
  refusal: Refusal = async () => undefined,
  write: WriteDocuments = createGroupCommit({ bulkDocs: db.bulkDocs.bind(db) }).write,
): Database {
  const storeAll = db.bulkDocs.bind(db);

  async function judge(doc: StoredDocument, newEdits: boolean): Promise<SyncError | undefined> {
    if (!isObject(doc)) return new SyncError('bad_request', 'Document must be a JSON object');
    const reason = unstorable(doc, newEdits);
    return reason === undefined ? refusal(doc, newEdits) : new SyncError('bad_request', reason);
  }

  async function bulkDocs(request: BulkRequest, options: BulkOptions): Promise<object[]> {
    const docs = Array.isArray(request) ? request : request?.docs;
    // PouchDB says itself what is wrong with the request.
    if (!Array.isArray(docs)) return storeAll(request as never, options) as Promise<object[]>;
    const newEdits = options.new_edits ?? (Array.isArray(request) ? true : (request.new_edits ?? true));
    const refusals = await Promise.all(docs.map((doc) => judge(doc, newEdits)));
    const admitted = docs.filter((_, index) => refusals[index] === undefined);
    const outcomes = (await write(admitted, { newEdits }))[Symbol.iterator]();
    const results = docs.map((doc, index) => {
      const refused = refusals[index];
      return resultOf(refused ? outcomeOf(doc, refused) : (outcomes.next().value as WriteOutcome));
    });
    // With revisions of another database only failures are told, as CouchDB does.
    return newEdits ? results : results.filter((result) => 'error' in result);
  }

  const callbackStyle = (request: BulkRequest, options?: BulkOptions | Callback, callback?: Callback) => {
    const done = typeof options === 'function' ? options : callback;
    const answer = bulkDocs(request, typeof options === 'object' ? options : {});
    if (!done) return answer;
    answer.then(
      (results) => done(null, results),
      (error) => done(told(error)),
    );
    return undefined;
  };
  return Object.assign(db, { bulkDocs: callbackStyle }) as Database;
}

function outcomeOf(doc: StoredDocument, { code, reason, statusCode }: SyncError): WriteOutcome {
  const id = typeof doc?._id === 'string' ? doc._id : '';
  return { id, error: code, reason, status: statusCode };
}

/** A failure of all, such that who answers for PouchDB has its status. */
function told(error: unknown): unknown {
  const known = error instanceof SyncError ? error : outOfSpace(error);
  if (!known) return error;
  return {
    error: true,
    status: known.statusCode,
    name: known.code,
    reason: known.reason,
    message: known.reason,
  };
}

/** As PouchDB tells it. */
function resultOf(outcome: WriteOutcome): object {
  if ('ok' in outcome) return outcome;
  const { id, error: name, reason, status } = outcome;
  return { id, error: true, name, reason, message: reason, status };
}
