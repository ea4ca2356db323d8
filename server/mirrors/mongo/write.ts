import {
  type AnyBulkWriteOperation,
  BSON,
  type Collection,
  type Db,
  type Document,
  MongoAPIError,
  MongoBulkWriteError,
  MongoError,
} from 'mongodb';
import { messageOf } from '../../../replication/errors.ts';
import { LeaseLost } from '../store.ts';
import { collectionOf, MIRRORED_COLLECTIONS } from './documents.ts';
import type { Targets } from './read-hub.ts';

/** A mirrored document: with the term of the lease under which it was written. */
type Mirrored = Document & { _id: string; mirror: { term: number } };

const DUPLICATE_KEY = 11000;
/** What MongoDB takes of a document, less what stands around it in a write. */
const LARGEST_BYTES = 16 * 1024 * 1024 - 4096;

/** A document that the store will not take, however often it is sent. */
export interface Unstorable {
  id: string;
  reason: string;
}

/**
 * Brings documents to their targets. One that a later holder of the lease has written is left to it.
 * @param isNew no document is there yet: they are inserted, which is faster.
 * @returns what cannot be stored. @throws LeaseLost.
 */
export async function writeTargets(
  db: Db,
  targets: Targets,
  term: number,
  isNew: boolean,
): Promise<Unstorable[]> {
  const written = MIRRORED_COLLECTIONS.map((name) => {
    const ofCollection = [...targets].filter(([id]) => collectionOf(id) === name);
    return writeAll(db.collection<Mirrored>(name), ofCollection, term, isNew);
  });
  return (await Promise.all(written)).flat();
}

async function writeAll(
  collection: Collection<Mirrored>,
  targets: [string, Document | undefined][],
  term: number,
  isNew: boolean,
): Promise<Unstorable[]> {
  if (targets.length === 0) return [];
  for (const [, target] of targets) if (target) target.mirror = { term };
  const operations = targets.flatMap(([id, target]) => {
    if (isNew) return target ? [{ insertOne: { document: target as Mirrored } }] : [];
    return [operationOf(id, target, term)];
  });
  let failed: Failure[];
  try {
    failed = await failuresOf(collection, operations);
  } catch (error) {
    const isDrivers = !(error instanceof MongoError) || error instanceof MongoAPIError;
    const unsendable = isDrivers && !(error instanceof LeaseLost) ? unsendableOf(targets) : [];
    if (unsendable.length === 0) throw error;
    const left = targets.filter(([id]) => !unsendable.some((one) => one.id === id));
    return [...unsendable, ...(await writeAll(collection, left, term, isNew))];
  }
  if (!isNew) return failed.map(({ index, reason }) => ({ id: targets[index]?.[0] ?? '', reason }));
  if (failed.length === 0) return [];
  return writeAll(collection, targets, term, false);
}

/** Of a batch that the driver would not send: the documents that it cannot. */
function unsendableOf(targets: [string, Document | undefined][]): Unstorable[] {
  return targets.flatMap(([id, target]) => {
    if (!target) return [];
    try {
      const { length } = BSON.serialize(target);
      return length > LARGEST_BYTES ? [{ id, reason: `it has ${length} bytes` }] : [];
    } catch (error) {
      return [{ id, reason: messageOf(error) }];
    }
  });
}

function operationOf(
  id: string,
  target: Document | undefined,
  term: number,
): AnyBulkWriteOperation<Mirrored> {
  const filter = { _id: id, 'mirror.term': { $not: { $gt: term } } };
  if (!target) return { deleteOne: { filter } };
  return { replaceOne: { filter, replacement: target as Mirrored, upsert: true } };
}

interface Failure {
  index: number;
  reason: string;
}

/** @throws LeaseLost when a document of a later term is in the way; it cannot be replaced nor made a second time. */
async function failuresOf(
  collection: Collection<Mirrored>,
  operations: AnyBulkWriteOperation<Mirrored>[],
): Promise<Failure[]> {
  try {
    if (operations.length > 0) await collection.bulkWrite(operations, { ordered: false });
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const failures = [error.writeErrors].flat();
    if (failures.length === 0) throw error;
    const isInsert = 'insertOne' in (operations[0] as object);
    if (!isInsert && failures.some(({ code }) => code === DUPLICATE_KEY)) {
      throw new LeaseLost('a later mirror has written the same documents');
    }
    return failures.map(({ index, errmsg }) => ({ index, reason: errmsg ?? 'refused' }));
  }
}
