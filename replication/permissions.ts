import { CENTER_WRITTEN_TYPES, checkDocument, type StoredDocument } from './documents.ts';
import { centerPartition, parseId } from './ids.ts';

/** What a center may change of an enrollment; all else about it is written online. */
const ENROLLMENT_FIELDS_OF_THE_CENTER: ReadonlySet<string> = new Set(['seat', 'attendance']);
/** Written once, never changed, never deleted. */
const FINAL_TYPES: ReadonlySet<string> = new Set(['result', 'log']);

/** Whether a document is a center's own work: of a type that is written at a center only, in its partition. */
export function isWorkOf(centerId: string, id: string): boolean {
  const parts = parseId(id);
  return parts?.partition === centerPartition(centerId) && CENTER_WRITTEN_TYPES.has(parts.type);
}

/** Whether a center may write documents of this id at all, decided from the id alone. */
export function mayWriteId(centerId: string, id: string): boolean {
  const parts = parseId(id);
  const isEnrollment = parts?.type === 'enrollment' && parts.partition === centerPartition(centerId);
  return isEnrollment || isWorkOf(centerId, id);
}

/**
 * Why a center's write must be refused, `undefined` when it may be stored.
 * `previous` is the version the write was made on (its nearest known ancestor), absent for a new document.
 * The rule is written a second time in design-docs/center for a CouchDB hub; a test holds the two against one table.
 */
export function refusalOf(
  centerId: string,
  doc: StoredDocument,
  previous: StoredDocument | undefined,
): string | undefined {
  const parts = parseId(doc._id);
  if (!parts) return 'the id is not <partition>:<type>:<key>';
  if (parts.partition !== centerPartition(centerId)) {
    return `center ${centerId} may write only in its own partition`;
  }
  if (!mayWriteId(centerId, doc._id)) return `${parts.type} documents are written online only`;
  if (FINAL_TYPES.has(parts.type) && previous) return `a ${parts.type} is written once and never changed`;
  if (doc._deleted) {
    return parts.type === 'enrollment' ? 'an enrollment is deleted online only' : undefined;
  }
  const [issue] = checkDocument(doc);
  if (issue) return issue.field ? `${issue.field}: ${issue.reason}` : issue.reason;
  return parts.type === 'enrollment' ? enrollmentRefusal(doc, previous) : undefined;
}

function enrollmentRefusal(doc: StoredDocument, previous: StoredDocument | undefined): string | undefined {
  if (!previous) return 'an enrollment is created online only';
  for (const field of new Set([...Object.keys(doc), ...Object.keys(previous)])) {
    if (field.startsWith('_') || ENROLLMENT_FIELDS_OF_THE_CENTER.has(field)) continue;
    if (JSON.stringify(doc[field]) !== JSON.stringify(previous[field])) {
      return `${field} of an enrollment is changed online only`;
    }
  }
  return undefined;
}
