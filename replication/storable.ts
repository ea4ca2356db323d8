import type { StoredDocument } from './documents.ts';
import { isObject } from './json.ts';
import { parseRevision } from './revisions.ts';

/** Fields that begin with `_` and that a client may send. */
const SPECIAL_FIELDS = new Set([
  '_id',
  '_rev',
  '_revisions',
  '_deleted',
  '_attachments',
  '_conflicts',
  '_deleted_conflicts',
  '_local_seq',
  '_revs_info',
  // What CouchDB's replicator writes into the documents that tell it what to do.
  '_replication_id',
  '_replication_state',
  '_replication_state_reason',
  '_replication_state_time',
  '_replication_stats',
]);
/** Nothing that a center writes is nearly as deep; what is deep enough ends every recursion that meets it. */
const MAX_LEVELS = 100;
/** Printable ASCII without `"` and `\`: a revision stands in headers and in JSON as it is. */
const REVISION_HASH = /^[!#-[\]-~]+$/;
const ATTACHMENT_NAME = /^[^_\p{Cc}]\P{Cc}*$/u;
const HEADER_VALUE = /^[ -~]+$/;

/**
 * Why a document cannot be stored as it is, before any rule is asked; `undefined` when it can. PouchDB checks little of
 * this: of such documents one fails its whole batch, one ends the process, one is stored and never read again.
 */
export function unstorable(doc: StoredDocument, newEdits: boolean): string | undefined {
  const reserved = reservedField(doc);
  if (reserved !== undefined) return reserved;
  if (doc._deleted !== undefined && typeof doc._deleted !== 'boolean') return '_deleted is not true or false';
  return (
    unstorableContent(doc, MAX_LEVELS) ??
    unstorableRevision(doc, newEdits) ??
    unstorableAttachments(doc._attachments)
  );
}

/** Names a field that no client may send, as CouchDB does. */
export function reservedField(doc: StoredDocument): string | undefined {
  const unknown = Object.keys(doc).find((field) => field.startsWith('_') && !SPECIAL_FIELDS.has(field));
  return unknown === undefined ? undefined : `Bad special document member: ${unknown}`;
}

function unstorableContent(content: object, levels: number): string | undefined {
  if (levels === 0) return `it is nested more than ${MAX_LEVELS} levels deep`;
  for (const name in content) {
    // As a field of its own it comes out of JSON alone; the first copy that is made of the object loses it.
    if (name === '__proto__') return '__proto__: no field can have this name';
    const value: unknown = content[name as keyof typeof content];
    if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) continue;
    const reason = unstorableContent(value, levels - 1);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function unstorableRevision(doc: StoredDocument, newEdits: boolean): string | undefined {
  const { _id, _rev, _revisions } = doc;
  // A local document's is 0-<number>, and the database's own business.
  if (typeof _id === 'string' && _id.startsWith('_local/')) return undefined;
  if (_rev === undefined) return newEdits ? undefined : 'a replicated document needs its _rev';
  const rev = typeof _rev === 'string' ? parseRevision(_rev) : undefined;
  if (!rev || !Number.isSafeInteger(rev.generation) || !REVISION_HASH.test(rev.hash)) {
    return '_rev is not <generation>-<hash>';
  }
  if (_revisions === undefined) return undefined;
  const { start, ids } = Object(_revisions) as { start?: unknown; ids?: unknown };
  if (!Array.isArray(ids) || start !== rev.generation || ids[0] !== rev.hash) {
    return '_revisions does not begin with _rev';
  }
  const isHistory =
    ids.length <= start && ids.every((hash) => typeof hash === 'string' && REVISION_HASH.test(hash));
  return isHistory ? undefined : '_revisions is not a history of revisions';
}

function unstorableAttachments(attachments: unknown): string | undefined {
  if (attachments === undefined) return undefined;
  if (!isObject(attachments)) return '_attachments is not a map of attachments';
  for (const [name, attachment] of Object.entries(attachments)) {
    const reason = ATTACHMENT_NAME.test(name) ? unstorableAttachment(attachment) : 'its name is not admitted';
    if (reason !== undefined) return `attachment ${JSON.stringify(name)}: ${reason}`;
  }
  return undefined;
}

function unstorableAttachment(attachment: unknown): string | undefined {
  if (!isObject(attachment)) return 'it is not an attachment';
  const { content_type: contentType, data, stub, digest } = attachment;
  if (contentType !== undefined && !(typeof contentType === 'string' && HEADER_VALUE.test(contentType))) {
    return 'its content_type is not one';
  }
  if (stub === true) return typeof digest === 'string' ? undefined : 'a stub needs its digest';
  if (Buffer.isBuffer(data)) return undefined;
  if (typeof data !== 'string') return 'it has no data';
  return Buffer.from(data, 'base64').toString('base64') === data ? undefined : 'its data is not base64';
}
