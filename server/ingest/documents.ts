import { CENTER_WRITTEN_TYPES, checkDocument, type StoredDocument } from '../../replication/documents.ts';
import { centerOfPartition, type DocumentId, parseId } from '../../replication/ids.ts';
import { unstorable } from '../../replication/storable.ts';
import type { CellFault, Fields } from './csv/cells.ts';
import {
  type Enrollment,
  isCodeTaken,
  isInHub,
  loadEnrollments,
  planAbsent,
  planEnrollment,
  statusFaults,
  takeOut,
} from './enrollments.ts';
import type { DocumentEntry } from './entries.ts';
import { type PlanContext, planChange } from './plan.ts';
import { loadQuestions } from './questions.ts';
import { register, unregister } from './register.ts';
import type { Registry } from './registry.ts';
import { contentOf, isSameContent, originOf, Refusal } from './write.ts';

/**
 * Complete documents. They are taken as they are, whatever stands in the hub, with three exceptions: an enrollment
 * moves and is taken out as a row's would be, an assignment keeps its times, and what a center wrote stays its own.
 */

/** Brings into memory what planning these documents needs. */
export async function loadDocuments(entries: readonly DocumentEntry[], registry: Registry): Promise<void> {
  const enrollments: Enrollment[] = [];
  for (const { doc, ...origin } of entries) {
    const id = parseId(doc._id);
    if (!id) continue;
    if (id.type === 'enrollment') enrollments.push(enrollmentOf(doc, id, origin));
    if (id.type === 'student') await registry.load([`student/${id.key}`]);
    if (id.type === 'test') await registry.load([`paper/${id.key}`]);
    if (id.type !== 'question') continue;
    await loadQuestions(registry, [id.key]);
    await registry.load([`paper/${String(doc.testId)}`, `paper/${id.partition.slice('test-'.length)}`]);
  }
  await loadEnrollments(registry, enrollments);
}

/** Plans one document. @returns what is wrong with it. */
export function planDocumentEntry(
  entry: DocumentEntry,
  context: PlanContext,
  defer: (enrollment: Enrollment) => void,
): CellFault[] {
  const { doc } = entry;
  const id = parseId(doc._id);
  if (!id) return checkDocument(doc);
  if (doc._attachments) return [{ field: '_attachments', reason: 'attachments are not imported' }];
  const unfit = unstorable(doc, true);
  if (unfit !== undefined) return [{ field: '', reason: unfit }];
  const faults = doc._deleted ? [] : faultsOf(doc, id);
  if (faults.length > 0) return faults;
  if (!context.seen.add('document', doc._id)) return [{ field: '_id', reason: 'duplicate id' }];
  if (doc._deleted) planDeletion(doc, id, context, entry);
  else if (id.type === 'enrollment') return planEnrollmentDocument(entry, id, context, defer);
  else {
    register(doc, id, context.registry);
    planChange(context, {
      id: doc._id,
      origin: originOf(entry),
      target: (found) => targetOf(doc, id.type, found),
    });
  }
  return [];
}

/** An enrollment that is not in the hub's states is right too: it says that the document goes. */
function faultsOf(doc: StoredDocument, { type }: DocumentId): CellFault[] {
  if (type !== 'enrollment') return checkDocument(doc);
  const names = { enrollment: 'enrollmentStatus', payment: 'paymentStatus' };
  const faults = statusFaults(doc.enrollmentStatus, doc.paymentStatus, names);
  if (faults.length > 0) return faults;
  return checkDocument({ ...doc, enrollmentStatus: 'enrolled', paymentStatus: 'completed' });
}

function planEnrollmentDocument(
  entry: DocumentEntry,
  id: DocumentId,
  context: PlanContext,
  defer: (enrollment: Enrollment) => void,
): CellFault[] {
  const enrollment = enrollmentOf(entry.doc, id, originOf(entry));
  if (!context.seen.add('enrollment', enrollment.enrollmentId)) {
    return [{ field: 'enrollmentId', reason: 'duplicate enrollment id' }];
  }
  if (!context.seen.add('code', enrollment.accessCode)) {
    return [{ field: 'accessCode', reason: 'duplicate access code' }];
  }
  if (isCodeTaken(context.registry, enrollment)) defer(enrollment);
  else planEnrollment(enrollment, context);
  return [];
}

function planDeletion(doc: StoredDocument, id: DocumentId, context: PlanContext, entry: DocumentEntry): void {
  const origin = originOf(entry);
  if (CENTER_WRITTEN_TYPES.has(id.type)) {
    const target = (found?: StoredDocument) => (found ? writtenAtCenter() : undefined);
    planChange(context, { id: doc._id, origin, target });
    return;
  }
  unregister(id, context.registry);
  const placement = id.type === 'enrollment' ? context.registry.get('enrollment', id.key) : undefined;
  const isThere = placement?.centerId === centerOfPartition(id.partition);
  if (placement && isThere) takeOut(id.key, placement, origin, context);
  else planAbsent(context, doc._id, origin);
}

function targetOf(
  doc: StoredDocument,
  type: string,
  found: StoredDocument | undefined,
): StoredDocument | Refusal {
  if (!found) return doc;
  if (CENTER_WRITTEN_TYPES.has(type)) return isSameContent(doc, found) ? doc : writtenAtCenter();
  if (type !== 'assignment') return doc;
  const { assignedAt, withdrawnAt } = found;
  return {
    ...(assignedAt === undefined ? {} : { assignedAt }),
    ...(withdrawnAt === undefined ? {} : { withdrawnAt }),
    ...doc,
  };
}

function writtenAtCenter(): Refusal {
  return new Refusal('', 'it was written at the center: an import does not change it');
}

function enrollmentOf(doc: StoredDocument, id: DocumentId, origin: { line: number }): Enrollment {
  return {
    enrollmentId: id.key,
    registrationNumber: String(doc.registrationNumber),
    centerId: centerOfPartition(id.partition) ?? '',
    accessCode: String(doc.accessCode),
    seat: typeof doc.seat === 'number' ? doc.seat : 'none',
    inHub: isInHub(doc),
    fields: contentOf(doc) as Fields,
    owned: 'all',
    origin,
  };
}
