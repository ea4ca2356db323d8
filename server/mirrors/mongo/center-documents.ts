import type { Db, Document } from 'mongodb';
import { parseId } from '../../../replication/ids.ts';
import type { CenterState } from '../../control/center-state.ts';
import type { Operation } from '../../control/operations.ts';
import type { ServerParts } from '../../parts.ts';
import { type EnrollmentStatus, raiseStatus } from './enrollment-status.ts';

/** `syncMetadata`, one document a center, and `syncOperations`, one a replication. */

const BATCH = 1000;

interface Metadata extends Document {
  _id: string;
  /** The sequence up to which enrollments are told to be downloaded. */
  downloadedTo?: string;
}

interface StoredOperation extends Document {
  _id: string;
}

type Parts = Pick<ServerParts, 'hub' | 'feed'>;

/** Writes where centers stand, and raises the enrollments that their checkpoints have passed since the last time. */
export async function putCenterStates(db: Db, parts: Parts, states: readonly CenterState[]): Promise<void> {
  const collection = db.collection<Metadata>('syncMetadata');
  const ids = states.map(({ centerId }) => centerId);
  const found = await collection.find({ _id: { $in: ids } }).toArray();
  const known = new Map(found.map((doc) => [doc._id, doc]));
  for (const state of states)
    await raiseDownloaded(db, parts, state, known.get(state.centerId)?.downloadedTo);
  const operations = states.map((state) => ({
    updateOne: { filter: { _id: state.centerId }, update: { $set: metadataOf(state) }, upsert: true },
  }));
  if (operations.length > 0) await collection.bulkWrite(operations, { ordered: false });
}

/** What centers have downloaded is told of once more, from the beginning. */
export async function forgetDownloads(db: Db): Promise<void> {
  await db.collection<Metadata>('syncMetadata').updateMany({}, { $unset: { downloadedTo: '' } });
}

function metadataOf(state: CenterState): Document {
  const { centerId, lastDownload, lastUpload, lastSeen, since, ...rest } = state;
  const date = (time: string | null) => (time === null ? null : new Date(time));
  return {
    centerId,
    ...rest,
    lastDownload: date(lastDownload),
    lastUpload: date(lastUpload),
    lastSeen: date(lastSeen),
    ...(since === undefined ? {} : { downloadedTo: since }),
  };
}

async function raiseDownloaded(
  db: Db,
  parts: Parts,
  { centerId, since }: CenterState,
  from: string | undefined,
): Promise<void> {
  if (since === undefined || since === from) return;
  let passed = new Map<string, EnrollmentStatus>();
  for await (const rows of parts.feed.changes(centerId, from ?? '0', { until: since }).batches) {
    for (const { id, deleted } of rows) {
      if (!deleted && parseId(id)?.type === 'enrollment') passed.set(id, 'downloaded');
    }
    if (passed.size < BATCH) continue;
    await raiseStatus(db, parts, passed);
    passed = new Map();
  }
  await raiseStatus(db, parts, passed);
}

export async function putOperationDocuments(db: Db, operations: readonly Operation[]): Promise<void> {
  const writes = operations.map(({ id, centerId, startedAt, endedAt, ...rest }) => {
    const times = { startedAt: new Date(startedAt), endedAt: endedAt === null ? null : new Date(endedAt) };
    const replacement = { centerId, ...rest, ...times };
    return { replaceOne: { filter: { _id: `${centerId}/${id}` }, replacement, upsert: true } };
  });
  if (writes.length > 0) {
    await db.collection<StoredOperation>('syncOperations').bulkWrite(writes, { ordered: false });
  }
}
