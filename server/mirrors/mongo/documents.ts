import { type Document, ObjectId } from 'mongodb';
import type { StoredDocument } from '../../../replication/documents.ts';
import { parseId } from '../../../replication/ids.ts';

/** How a document of the hub looks in MongoDB. Pure: the same document is always mirrored alike. */

/** The collection of each type; what has none is not mirrored. */
const COLLECTIONS: Readonly<Record<string, string>> = {
  enrollment: 'enrollments',
  session: 'testSessions',
  answers: 'studentAnswers',
  result: 'completedTests',
  log: 'systemLogs',
};

export const MIRRORED_COLLECTIONS = Object.values(COLLECTIONS);

/** A candidate's documents, which carry the service's own ids of the enrollment they belong to. */
export const CANDIDATE_TYPES = ['session', 'answers', 'result'] as const;

/** Times that are dates in MongoDB, as the service's own are. */
const DATES = new Set(['scheduledAt', 'startedAt', 'submittedAt', 'at']);

/** The service's ObjectIds by field, 24 hexadecimal digits each, as ingest has brought them. */
export type SourceIds = Record<string, string>;

export function collectionOf(id: string): string | undefined {
  const type = parseId(id)?.type;
  return type === undefined ? undefined : COLLECTIONS[type];
}

/** The service's ids that a document of the hub carries. */
export function sourceIdsOf(doc: StoredDocument | undefined): SourceIds {
  return (doc?.sourceIds ?? {}) as SourceIds;
}

/**
 * @param doc a live document. @param ids those of the enrollment it belongs to, or its own.
 * Fields of the document itself are never overwritten by an id.
 */
export function mirrored(doc: StoredDocument, conflicts: readonly string[], ids: SourceIds): Document {
  const { _id, _rev, _revisions, _attachments, _conflicts, sourceIds, ...fields } = doc;
  const result: Document = { _id };
  for (const [name, id] of Object.entries(ids)) if (ObjectId.isValid(id)) result[name] = new ObjectId(id);
  for (const [name, value] of Object.entries(fields)) {
    result[safeName(name)] = DATES.has(name) ? dateOf(value) : safe(value);
  }
  result.rev = _rev;
  if (conflicts.length > 0) result.conflicts = [...conflicts];
  return result;
}

function dateOf(value: unknown): unknown {
  const time = typeof value === 'string' ? new Date(value) : undefined;
  return time && !Number.isNaN(time.getTime()) ? time : safe(value);
}

/** What a field name cannot hold here, though a center may send it: an operator, a mark of the driver's own types, NUL. */
const UNSAFE = /^\$|^_(?=bsontype$)|\0/g;
const SAFE: Readonly<Record<string, string>> = { $: '\uFF04', _: '\uFF3F', '\0': '\u2400' };

/** Names that may need another: the others, nearly all, are told fast. */
const SUSPECT = /[$\0\ud800-\udfff]|^_b/;

function safeName(name: string): string {
  if (!SUSPECT.test(name)) return name;
  return name.replace(UNSAFE, (sign) => SAFE[sign] as string).toWellFormed();
}

/** Half of a surrogate pair has no form in UTF-8. */
function safe(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(safe);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [safeName(name), safe(inner)]));
}
