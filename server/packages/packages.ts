import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { prepareAge } from '../../replication/package/age.ts';
import { type Identity, makeIdentity, type Recipient, recipientOf } from '../../replication/package/keys.ts';
import { compareSequences, ZERO } from '../../replication/sequence-order.ts';
import type { PrivateKey, PublicKey } from '../../replication/signing.ts';
import type { AuditLog } from '../control/audit.ts';
import type { ControlStore } from '../control/store.ts';
import type { NodeRecord, NodeRecords } from '../exam/node-records.ts';
import { serverKey } from '../exam/server-key.ts';
import { clearLeftovers } from './leftovers.ts';

/** Keys of packages, and how far centers have come by them. */
export interface Packages {
  /** What packages for this server are encrypted to. */
  readonly recipient: Recipient;
  readonly identity: Identity;
  readonly signing: PrivateKey;
  /** Where packages that come in are kept while they are imported. */
  readonly folder: string;
  addRecipient(centerId: string, instanceId: string, recipient: Recipient): Promise<void>;
  /** Those of a center's nodes that packages can be made for; with `answered`, which sent one, though it is replaced. */
  recipients(centerId: string, answered?: string): Recipient[];
  /** The keys that a center's packages may be signed with; a replaced node's results go to the quarantine. */
  signers(centerId: string): PublicKey[];
  /** A node has said, in a package, which sequence of the feed its replica has reached. */
  reached(centerId: string, instanceId: string, since: string): Promise<void>;
  /** What each node of a center has said so. */
  reachedBy(centerId: string, instanceId: string): string | undefined;
}

interface PackagesOptions {
  dataDir: string;
  store: ControlStore;
  records: NodeRecords;
  audit: AuditLog;
}

export async function openPackages({ dataDir, store, records, audit }: PackagesOptions): Promise<Packages> {
  const keys = store.space<Identity>('server');
  let identity = await keys.get('package-key');
  if (identity === undefined) {
    identity = makeIdentity();
    await keys.put('package-key', identity);
  }
  const folder = join(dataDir, 'packages');
  await mkdir(folder, { recursive: true });
  await clearLeftovers(folder, audit);
  const present = (centerId: string, answered?: string): NodeRecord[] =>
    records
      .list(centerId)
      .filter(({ replacedAt, instanceId }) => replacedAt === undefined || instanceId === answered);

  return {
    recipient: recipientOf(identity),
    identity,
    signing: (await serverKey(store)).privateKey,
    folder,
    async addRecipient(centerId, instanceId, packageKey) {
      const record = records.of(centerId, instanceId);
      if (record.packageKey === packageKey) return;
      // A node that is new fetches its first replica next, as a package.
      void prepareAge();
      record.packageKey = packageKey;
      await records.save(record);
    },
    recipients: (centerId, answered) =>
      present(centerId, answered).flatMap(({ packageKey }) => packageKey ?? []),
    signers: (centerId) =>
      records.list(centerId).flatMap(({ keyId }) => (keyId && records.key(keyId)?.publicKey) || []),
    async reached(centerId, instanceId, since) {
      const record = records.of(centerId, instanceId);
      if (compareSequences(record.reached ?? ZERO, since) === 1) return;
      record.reached = since;
      await records.save(record);
    },
    reachedBy: (centerId, instanceId) => records.get(centerId, instanceId)?.reached,
  };
}
