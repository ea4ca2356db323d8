import { mongoDatabase } from '../../mongo-client.ts';
import type { ServerParts } from '../../parts.ts';
import { type Held, LEASE_MS, LeaseLost, type MirrorStore } from '../store.ts';
import { forgetDownloads, putCenterStates, putOperationDocuments } from './center-documents.ts';
import { MIRRORED_COLLECTIONS } from './documents.ts';
import { raiseStatus, statusesOf } from './enrollment-status.ts';
import { createLease } from './lease.ts';
import { type Targets, targetsOf } from './read-hub.ts';
import { verifyMirror } from './verify.ts';
import { writeTargets } from './write.ts';

const SOCKET_MS = 30_000;

type Parts = Pick<ServerParts, 'config' | 'hub' | 'feed' | 'log'>;

/** The mirror in the MongoDB database that `uri` names. Connects when it is first used, and again by itself. */
export function openMongoStore(uri: string, parts: Parts): MirrorStore<Targets> {
  const database = mongoDatabase(uri, {
    appName: 'cbt-sync',
    socketTimeoutMS: SOCKET_MS,
    ignoreUndefined: true,
    // A mark must not outlive what it stands for.
    writeConcern: { w: 'majority', journal: true },
  });
  const { db } = database;
  const lease = createLease(db.collection('syncMirror'), parts.config.mirrorLeaseMs ?? LEASE_MS);
  let isNew = false;

  return {
    async acquire(holder) {
      await database.connect();
      return lease.acquire(holder);
    },
    renew: (held) => lease.renew(held),
    release: (held) => lease.release(held),
    async forget() {
      await database.connect();
      await lease.forget();
    },
    async startOver(held) {
      const counts = MIRRORED_COLLECTIONS.map((name) => db.collection(name).estimatedDocumentCount());
      isNew = (await Promise.all(counts)).every((count) => count === 0);
      await forgetDownloads(db);
      await lease.save(held, { sweepBefore: held.term });
    },
    prepare: (changes) => targetsOf(parts, changes),
    async apply(held, { changes, reached, prepared: targets }) {
      const unstorable = await writeTargets(db, targets, held.term, isNew);
      for (const one of unstorable) parts.log.error(one, 'a document cannot be mirrored into MongoDB');
      await raiseStatus(db, parts, statusesOf(changes));
      await saveOrTell(held, () => lease.save(held, { mark: reached }));
    },
    async finish(held) {
      isNew = false;
      const before = await lease.sweepBefore();
      if (before === undefined) return;
      for (const name of MIRRORED_COLLECTIONS) {
        await db.collection(name).deleteMany({ 'mirror.term': { $lt: before } });
      }
      await lease.swept(held);
    },
    async putCenters(held, states) {
      await lease.renew(held);
      await putCenterStates(db, parts, states);
    },
    async putOperations(held, operations) {
      await putOperationDocuments(db, operations);
      const operationsTo = operations.at(-1)?.id;
      if (operationsTo !== undefined) await lease.save(held, { operationsTo });
    },
    async verify() {
      await database.connect();
      return verifyMirror(db, parts);
    },
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
    },
  };

  /** What was written after the lease was lost is put right by the mirror that has it now. */
  async function saveOrTell(held: Held, save: () => Promise<void>): Promise<void> {
    try {
      await save();
    } catch (error) {
      if (error instanceof LeaseLost) await lease.stray(held);
      throw error;
    }
  }
}
