import type { StoredDocument } from '../../../replication/documents.ts';
import { centerOfPartition, parseId } from '../../../replication/ids.ts';

/** What documents of the hub are in Redis. Pure. */

/** One fact that a document, or its absence, stands for. */
export type Fact =
  | { kind: 'session'; centerId: string; enrollmentId: string; status: string | undefined }
  | { kind: 'confirmed'; centerId: string; enrollmentId: string; isConfirmed: boolean }
  | {
      kind: 'result';
      centerId: string;
      enrollmentId: string;
      fields: Record<string, string> | undefined;
    };

/** Fields of a result that a live page shows. */
const RESULT_FIELDS = [
  'testId',
  'registrationNumber',
  'score',
  'percent',
  'passed',
  'startedAt',
  'submittedAt',
];

/** @param doc the live document; `undefined` when it is deleted. */
export function factOf(id: string, doc: StoredDocument | undefined): Fact | undefined {
  const parts = parseId(id);
  const centerId = parts && centerOfPartition(parts.partition);
  if (!parts || centerId === undefined) return undefined;
  const { type, key } = parts;
  if (type === 'session') return { kind: 'session', centerId, enrollmentId: key, status: statusOf(doc) };
  if (type === 'receipt') {
    // `<enrollment id>.<revision>`: a revision has no dot.
    const enrollmentId = key.slice(0, key.lastIndexOf('.'));
    return { kind: 'confirmed', centerId, enrollmentId, isConfirmed: doc !== undefined };
  }
  if (type !== 'result') return undefined;
  return { kind: 'result', centerId, enrollmentId: key, fields: doc && resultFields(centerId, key, doc) };
}

function statusOf(doc: StoredDocument | undefined): string | undefined {
  if (!doc) return undefined;
  return doc.status === 'submitted' || doc.submittedAt !== undefined ? 'submitted' : 'running';
}

function resultFields(centerId: string, enrollmentId: string, doc: StoredDocument): Record<string, string> {
  const shown = RESULT_FIELDS.filter((field) => doc[field] !== undefined);
  return {
    centerId,
    enrollmentId,
    ...Object.fromEntries(shown.map((field) => [field, textOf(doc[field])])),
    rev: doc._rev ?? '',
  };
}

function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
