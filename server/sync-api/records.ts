import type { StoredDocument } from '../../replication/documents.ts';
import { centerPartition, formatId, isIdPart } from '../../replication/ids.ts';
import { unstorable } from '../../replication/storable.ts';

/** The lists of an upload, and the type of document that each one's records are. */
export const LISTS = {
  sessions: 'session',
  answers: 'answers',
  results: 'result',
  logs: 'log',
  enrollments: 'enrollment',
} as const;

export type ListName = keyof typeof LISTS;
export type RecordType = (typeof LISTS)[ListName];

/** A record as it is sent: a document's fields, and the revision it was made on. */
export interface SentRecord {
  rev?: string | undefined;
  [field: string]: unknown;
}

/** A record with the document it means. */
export interface UploadRecord {
  type: RecordType;
  id: string;
  /** The revision that the sender has seen; `undefined` when it does not say. */
  rev: string | undefined;
  fields: Record<string, unknown>;
}

/** @returns the records, or what is wrong with one. */
export function recordsOf(
  centerId: string,
  lists: Partial<Record<ListName, SentRecord[] | undefined>>,
): UploadRecord[] | { reason: string } {
  const records: UploadRecord[] = [];
  const seen = new Set<string>();
  for (const [name, type] of Object.entries(LISTS) as [ListName, RecordType][]) {
    for (const [index, sent] of (lists[name] ?? []).entries()) {
      const keyField = type === 'log' ? 'key' : 'enrollmentId';
      const key = sent[keyField];
      const where = `${name}.${index}`;
      if (typeof key !== 'string' || !isIdPart(key)) return { reason: `${where}.${keyField}: is missing` };
      const reserved = Object.keys(sent).find((field) => field.startsWith('_'));
      if (reserved !== undefined) return { reason: `${where}.${reserved}: is reserved` };
      const id = formatId(centerPartition(centerId), type, key);
      const wrong = unstorable({ ...sent, _id: id }, true);
      if (wrong !== undefined) return { reason: `${where}: ${wrong}` };
      if (seen.has(id)) return { reason: `${where}: ${type} ${key} is there twice` };
      seen.add(id);
      const { rev, key: _key, ...fields } = sent;
      records.push({
        type,
        id,
        rev,
        fields: { ...(type === 'log' ? fields : { ...fields, enrollmentId: key }) },
      });
    }
  }
  return records;
}

/** The document that a record wants. Of an enrollment a center has a say about seat and attendance only. */
export function wantedOf(
  { type, id, fields }: UploadRecord,
  found: StoredDocument | undefined,
): Record<string, unknown> {
  if (type !== 'enrollment') return { _id: id, type, ...fields };
  return { ...withoutOwn(found ?? { _id: id }), _id: id, type, ...fields };
}

/** A document without what the database adds. */
export function withoutOwn(doc: StoredDocument): Record<string, unknown> {
  return Object.fromEntries(Object.entries(doc).filter(([field]) => !field.startsWith('_')));
}
