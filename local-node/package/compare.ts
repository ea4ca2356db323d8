import { documentDigest, type Leaf } from '../../replication/digest.ts';
import type { AttachmentStub, StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import type { Difference } from '../../replication/node-report.ts';
import type { PackageReading } from '../../replication/package/read.ts';
import { problemOf } from '../digests.ts';
import type { RoundParts } from '../sync/round.ts';

/**
 * Compares the replica with a snapshot, document by document and by content.
 * @returns every difference, by id. @throws SyncError bad_request for a package of another kind, or as reading does.
 */
export async function compareWithSnapshot(
  { replica, digests }: Pick<RoundParts, 'replica' | 'digests'>,
  reading: PackageReading,
): Promise<Difference[]> {
  const { kind, tests } = reading.manifest;
  if (kind !== 'snapshot' || tests !== undefined) {
    const what = tests === undefined ? `a ${kind} package` : 'a package of some tests only';
    throw new SyncError('bad_request', `${what} does not hold all there must be`);
  }
  const expected = await digestsOf(reading);
  await digests.catchUp(replica.db);
  const found: Difference[] = [];
  for (const partition of digests.totals().keys()) {
    for await (const [id, here] of digests.documents(partition)) {
      const there = expected.get(id);
      expected.delete(id);
      if (here !== there) found.push({ id, problem: problemOf(here, there) });
    }
  }
  for (const id of expected.keys()) found.push({ id, problem: 'lost' });
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function digestsOf(reading: PackageReading): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  let id = '';
  let leaves: Leaf[] = [];
  const close = (): void => {
    if (leaves.length > 0) digests.set(id, documentDigest(id, leaves));
    leaves = [];
  };
  for await (const docs of reading.batches) {
    for (const doc of docs) {
      // All leaves of a document follow each other.
      if (doc._id !== id) close();
      id = doc._id;
      if (!doc._deleted) leaves.push({ rev: doc._rev as string, body: measured(doc) });
    }
  }
  close();
  return digests;
}

/** With the lengths of its attachments, which stand for them in a digest. */
function measured(doc: StoredDocument): StoredDocument {
  if (!doc._attachments) return doc;
  const stubs = Object.entries(doc._attachments).map(([name, stub]): [string, AttachmentStub] => {
    const length = typeof stub.data === 'string' ? Buffer.byteLength(stub.data, 'base64') : stub.length;
    return [name, length === undefined ? stub : { ...stub, length }];
  });
  return { ...doc, _attachments: Object.fromEntries(stubs) };
}
