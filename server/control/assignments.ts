import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import { centerPartition, formatId, testPartition } from '../../replication/ids.ts';
import type { Hub } from '../hub.ts';
import type { ServerParts } from '../parts.ts';
import { centerDocumentId } from './centers.ts';
import { editDocument, readDocuments } from './hub-documents.ts';

type Status = 'assigned' | 'withdrawn';

/** What an assignment or a withdrawal has come to. */
export interface AssignmentOutcome {
  centerId: string;
  testId: string;
  status: Status;
  /** False: it was so already, and nothing was written. */
  changed: boolean;
}

/**
 * Assigns a test to a center, or withdraws it. Resolves when the center's feed has it.
 * @throws SyncError not_found for an unknown test or center.
 */
export async function setAssignment(
  { hub, feed }: ServerParts,
  centerId: string,
  testId: string,
  status: Status,
  now: Date,
): Promise<AssignmentOutcome> {
  await expectTest(hub, testId);
  if (!(await readDocuments(hub, [centerDocumentId(centerId)])).has(centerDocumentId(centerId))) {
    throw new SyncError('not_found', `there is no center ${centerId}`);
  }
  const id = formatId(centerPartition(centerId), 'assignment', testId);
  const withdrawsNothing = status === 'withdrawn' && !(await readDocuments(hub, [id])).has(id);
  const changed =
    !withdrawsNothing &&
    (await editDocument(hub, id, (doc) => assignmentOf(doc, { id, centerId, testId, status, now })));
  await feed.fresh();
  return { centerId, testId, status, changed };
}

/** @throws SyncError not_found when the hub has no such test. */
export async function expectTest(hub: Hub, testId: string): Promise<void> {
  const id = formatId(testPartition(testId), 'test', testId);
  if (!(await readDocuments(hub, [id])).has(id)) {
    throw new SyncError('not_found', `there is no test ${testId}`);
  }
}

/** `withdrawnAt` outlives a new assignment: it tells the feed that the replica holds tombstones of this test. */
function assignmentOf(
  doc: StoredDocument | undefined,
  next: { id: string; centerId: string; testId: string; status: Status; now: Date },
): StoredDocument {
  if (doc?.status === next.status) return doc;
  const { id, centerId, testId, status, now } = next;
  const time = status === 'assigned' ? 'assignedAt' : 'withdrawnAt';
  return { ...doc, _id: id, type: 'assignment', centerId, testId, status, [time]: now.toISOString() };
}
