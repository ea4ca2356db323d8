import type { StoredDocument } from './documents.ts';
import type { Database } from './pouch.ts';

/** The outcome for one document of a write, in CouchDB's words. */
export type WriteOutcome =
  | { id: string; rev: string; ok: true }
  | { id: string; error: string; reason: string; status: number };

/** Writes documents; outcomes come in the order of the documents. */
export type WriteDocuments = (
  docs: readonly StoredDocument[],
  options: { newEdits: boolean },
) => Promise<WriteOutcome[]>;

interface WaitingWrite {
  docs: readonly StoredDocument[];
  newEdits: boolean;
  resolve(outcomes: WriteOutcome[]): void;
  reject(error: unknown): void;
}

/** How many documents one commit takes at most: enough to share a sync, few enough to bound memory. */
const COMMIT_DOCUMENTS = 2000;

/** Writes that share their syncs. */
export interface GroupCommit {
  readonly write: WriteDocuments;
  /** Whether writes are under way or waiting. */
  readonly busy: boolean;
}

/**
 * Group commit: writes that arrive while one is being synced wait, and go to the database together in one
 * `bulkDocs`, so that they share one sync. Each caller gets the outcomes of its own documents.
 */
export function createGroupCommit(db: Pick<Database, 'bulkDocs'>): GroupCommit {
  const waiting: WaitingWrite[] = [];
  let committing = false;

  async function commitAll(): Promise<void> {
    committing = true;
    while (waiting.length > 0) await commit(takeGroup(waiting));
    committing = false;
  }

  async function commit(group: WaitingWrite[]): Promise<void> {
    const newEdits = group[0]?.newEdits ?? true;
    const docs = group.flatMap((write) => write.docs);
    try {
      const outcomes = await writeAll(db, docs, newEdits);
      let from = 0;
      for (const write of group) {
        write.resolve(outcomes.slice(from, from + write.docs.length));
        from += write.docs.length;
      }
    } catch (error) {
      for (const write of group) write.reject(error);
    }
  }

  return {
    get busy() {
      return committing;
    },
    write(docs, { newEdits }) {
      if (docs.length === 0) return Promise.resolve([]);
      return new Promise((resolve, reject) => {
        waiting.push({ docs, newEdits, resolve, reject });
        if (!committing) void commitAll();
      });
    },
  };
}

/**
 * Writes all in one `bulkDocs`. PouchDB gives a whole batch up for one document that it cannot read (an attachment's
 * stub that is not there): then halves are tried, until the one that cannot be stored stands alone.
 */
async function writeAll(
  db: Pick<Database, 'bulkDocs'>,
  docs: StoredDocument[],
  newEdits: boolean,
): Promise<WriteOutcome[]> {
  try {
    return await writeOnce(db, docs, newEdits);
  } catch (error) {
    const { status, name, reason, message } = error as BulkError;
    // Without a status of the request's making it is the database that fails.
    if (status === undefined || status >= 500) throw error;
    if (docs.length === 1) {
      return [
        { id: docs[0]?._id ?? '', error: name ?? 'bad_request', reason: reason ?? message ?? '', status },
      ];
    }
    const middle = docs.length >> 1;
    const first = await writeAll(db, docs.slice(0, middle), newEdits);
    return [...first, ...(await writeAll(db, docs.slice(middle), newEdits))];
  }
}

/**
 * The longest run of waiting writes that can share one `bulkDocs`. No two of them write the same document: in one batch
 * PouchDB tells both that they succeeded when they write the same, and only one may come first.
 */
function takeGroup(waiting: WaitingWrite[]): WaitingWrite[] {
  const newEdits = waiting[0]?.newEdits;
  const ids = new Set<string>();
  let taken = 0;
  let documents = 0;
  for (const write of waiting) {
    documents += write.docs.length;
    const isFull = documents > COMMIT_DOCUMENTS || write.docs.some(({ _id }) => ids.has(_id));
    if (write.newEdits !== newEdits || (taken > 0 && isFull)) break;
    for (const { _id } of write.docs) ids.add(_id);
    taken += 1;
  }
  return waiting.splice(0, taken);
}

interface BulkError {
  id?: string;
  error: true | string;
  name?: string;
  reason?: string;
  message?: string;
  status?: number;
}

/**
 * A batch that PouchDB takes as it is: of an array or a plain object it would make a deep copy, which costs as much as
 * writing it. PouchDB changes the documents of a batch, but not what is inside them.
 */
class Batch {
  readonly docs: StoredDocument[];

  constructor(docs: readonly StoredDocument[]) {
    this.docs = docs.map(({ _attachments, ...doc }) =>
      _attachments === undefined ? doc : { ...doc, _attachments: { ..._attachments } },
    ) as StoredDocument[];
  }
}

async function writeOnce(
  db: Pick<Database, 'bulkDocs'>,
  docs: StoredDocument[],
  newEdits: boolean,
): Promise<WriteOutcome[]> {
  const answers = (await db.bulkDocs(new Batch(docs) as never, { new_edits: newEdits })) as (
    | { ok: true; id: string; rev: string }
    | BulkError
  )[];
  if (newEdits) return answers.map((answer, index) => outcomeOf(answer, docs[index]?._id ?? ''));
  const failed = new Map(answers.filter(isError).map((answer) => [answer.id, answer]));
  return docs.map((doc) => {
    const error = failed.get(doc._id);
    return error ? outcomeOf(error, doc._id) : { ok: true, id: doc._id, rev: doc._rev ?? '' };
  });
}

function isError(answer: { ok?: true } | BulkError): answer is BulkError {
  return 'error' in answer;
}

function outcomeOf(answer: { ok: true; id: string; rev: string } | BulkError, id: string): WriteOutcome {
  if (!isError(answer)) return { ok: true, id: answer.id, rev: answer.rev };
  const error = typeof answer.error === 'string' ? answer.error : (answer.name ?? 'internal_error');
  return { id, error, reason: answer.reason ?? answer.message ?? '', status: answer.status ?? 500 };
}
