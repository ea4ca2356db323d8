import { type AnyBulkWriteOperation, type Db, type Document, ObjectId } from 'mongodb';
import type { StoredDocument } from '../../../replication/documents.ts';
import { parseId } from '../../../replication/ids.ts';
import { readDocuments } from '../../control/hub-documents.ts';
import type { HubChange } from '../../hub-follower.ts';
import type { ServerParts } from '../../parts.ts';
import { sourceIdsOf } from './documents.ts';
import { enrollmentOf } from './read-hub.ts';

/** The states that the service's own enrollments go through, in order; never backwards. */
const STATES = ['registered', 'downloaded', 'test_taken', 'results_uploaded'] as const;

export type EnrollmentStatus = (typeof STATES)[number];

/** The service's own collection; nothing but `syncStatus` is written there, and no document is made. */
const COLLECTION = 'testenrollments';
const BATCH = 500;

/** Raises the `syncStatus` of enrollments, given by their ids in the hub. */
export async function raiseStatus(
  db: Db,
  { hub }: Pick<ServerParts, 'hub'>,
  statuses: ReadonlyMap<string, EnrollmentStatus>,
): Promise<void> {
  const ids = [...statuses.keys()];
  for (let from = 0; from < ids.length; from += BATCH) {
    const some = ids.slice(from, from + BATCH);
    const docs = await readDocuments(hub, some);
    const operations = some.map((id) => raise(id, docs.get(id), statuses.get(id) as EnrollmentStatus));
    await db.collection(COLLECTION).bulkWrite(operations, { ordered: false });
  }
}

function raise(
  id: string,
  enrollment: StoredDocument | undefined,
  status: EnrollmentStatus,
): AnyBulkWriteOperation<Document> {
  const sourceId = sourceIdsOf(enrollment).enrollment;
  const known = sourceId && ObjectId.isValid(sourceId) ? { _id: new ObjectId(sourceId) } : undefined;
  const filter = known ?? { enrollmentId: parseId(id)?.key ?? '' };
  // One that has no status yet is raised too: in a query, null stands for it.
  const lower = [null, ...STATES.slice(0, STATES.indexOf(status))];
  return {
    updateOne: {
      filter: { ...filter, syncStatus: { $in: lower } },
      update: { $set: { syncStatus: status } },
    },
  };
}

/** What sessions and results say of their enrollments. */
export function statusesOf(changes: readonly HubChange[]): Map<string, EnrollmentStatus> {
  const statuses = new Map<string, EnrollmentStatus>();
  for (const { id, doc } of changes) {
    const enrollment = enrollmentOf(id);
    if (!enrollment || !doc || doc._deleted) continue;
    if (doc.type === 'result') statuses.set(enrollment, 'results_uploaded');
    const isTaken = doc.type === 'session' && (doc.status === 'submitted' || doc.submittedAt !== undefined);
    if (isTaken && !statuses.has(enrollment)) statuses.set(enrollment, 'test_taken');
  }
  return statuses;
}
