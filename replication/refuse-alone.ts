import type { StoredDocument } from './documents.ts';
import { outOfSpace, SyncError } from './errors.ts';
import { createGroupCommit, type WriteDocuments, type WriteOutcome } from './group-commit.ts';
import { isObject } from './json.ts';
import type { Database } from './pouch.ts';
import { reservedField, unstorable } from './storable.ts';

interface BulkOptions {
  new_edits?: boolean;
}
type BulkRequest = StoredDocument[] | { docs: StoredDocument[]; new_edits?: boolean };
type Callback = (error: unknown, result?: object) => void;

/** Why a document may not be stored, `undefined` when it may. */
export type Refusal = (doc: StoredDocument, newEdits: boolean) => Promise<SyncError | undefined>;

/**
 * Makes a database refuse documents of a batch, each alone: what cannot be stored, and what `refusal` says. Every write
 * of a PouchDB goes through `bulkDocs`, where one document that it cannot read fails all, or ends the process. What is
 * no document fails its request, as in CouchDB, but not with the revisions of another database: a replicator would
 * send the same batch for ever.
 * @param write how the others are written; by default those that come at the same time share one sync.
 */
export function refuseAlone(
  db: Database,
  refusal: Refusal = async () => undefined,
  write?: WriteDocuments,
): Database {
  const own = whenOpen(db);
  const writeAll = write ?? createGroupCommit(own).write;

  async function judge(doc: StoredDocument, newEdits: boolean): Promise<SyncError | undefined> {
    const reason = unstorable(doc, newEdits);
    return reason === undefined ? refusal(doc, newEdits) : new SyncError('bad_request', reason);
  }

  async function bulkDocs(request: BulkRequest, options: BulkOptions): Promise<object[]> {
    const docs = Array.isArray(request) ? request : request?.docs;
    // PouchDB says itself what is wrong with the request.
    if (!Array.isArray(docs)) return own.bulkDocs(request as never, options);
    const newEdits = options.new_edits ?? (Array.isArray(request) ? true : (request.new_edits ?? true));
    for (const doc of docs) {
      const reason = malformed(doc, newEdits);
      if (reason) throw resultOf(outcomeOf(doc, new SyncError('bad_request', reason)));
    }
    const refusals = await Promise.all(docs.map((doc) => judge(doc, newEdits)));
    const admitted = docs.filter((_, index) => refusals[index] === undefined);
    const outcomes = (await writeAll(admitted, { newEdits }))[Symbol.iterator]();
    const results = docs.map((doc, index) => {
      const refused = refusals[index];
      return resultOf(refused ? outcomeOf(doc, refused) : (outcomes.next().value as WriteOutcome));
    });
    // With revisions of another database only failures are told, as CouchDB does.
    return newEdits ? results : results.filter((result) => 'error' in result);
  }

  /** PouchDB answers a single document that has a revision of another database with that empty list. */
  async function put(doc: StoredDocument, options: BulkOptions): Promise<object> {
    const answer: object = await own.put(doc as never, options as never);
    return Array.isArray(answer) ? { ok: true, id: doc._id, rev: doc._rev } : answer;
  }

  return Object.assign(db, { bulkDocs: withCallback(bulkDocs), put: withCallback(put) }) as Database;
}

/**
 * A database's own methods, called once it is open: what is called before, PouchDB calls later by its name, and then it
 * is not its own any more.
 */
function whenOpen(db: Database): Pick<Database, 'bulkDocs' | 'put'> {
  const [bulkDocs, put] = [db.bulkDocs.bind(db), db.put.bind(db)];
  let opening: Promise<unknown> | undefined;
  const opened = <Given extends unknown[]>(method: (...given: Given) => unknown) => {
    return async (...given: Given) => {
      opening ??= db.info();
      await opening;
      return method(...given);
    };
  };
  return { bulkDocs: opened(bulkDocs), put: opened(put) } as Pick<Database, 'bulkDocs' | 'put'>;
}

/** A method of PouchDB's, which takes options and a callback or leaves them out. */
function withCallback<Input>(run: (input: Input, options: BulkOptions) => Promise<object>) {
  return (input: Input, options?: BulkOptions | Callback, callback?: Callback) => {
    const done = typeof options === 'function' ? options : callback;
    const answer = run(input, typeof options === 'object' ? options : {});
    if (!done) return answer;
    answer.then(
      (result) => done(null, result),
      (error) => done(told(error)),
    );
    return undefined;
  };
}

/** Why this is no document that a client may write. */
function malformed(doc: StoredDocument, newEdits: boolean): string | undefined {
  if (!isObject(doc)) return 'Document must be a JSON object';
  if (newEdits) return malformedId(doc._id) ?? reservedField(doc);
  return doc._rev === undefined ? 'a replicated document needs its _rev' : undefined;
}

/** In PouchDB's words, which are CouchDB's. Without an id it gets one. */
function malformedId(id: unknown): string | undefined {
  if (id === undefined) return undefined;
  if (typeof id !== 'string') return '_id field must contain a string';
  const isReserved = id.startsWith('_') && !/^_(design|local)\//.test(id);
  return isReserved ? 'Only reserved document ids may start with underscore.' : undefined;
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
