import type { LogHead } from '../../replication/log-chain.ts';
import type { PublicKey } from '../../replication/signing.ts';
import type { ControlStore } from '../control/store.ts';

/** A key that results are signed with. It belongs to the instance that registered it first. */
export interface NodeKey {
  keyId: string;
  publicKey: PublicKey;
  centerId: string;
  instanceId: string;
  /** ISO 8601. */
  registeredAt: string;
}

/** The furthest that an instance's log was seen, and by what. */
export interface SeenHead extends LogHead {
  by: string;
  at: string;
}

/** Something that cannot be if an instance is one node that never lost what it wrote. */
export interface Suspicion {
  at: string;
  what: string;
}

/** What the server knows of one node of a center, besides its documents. */
export interface NodeRecord {
  centerId: string;
  instanceId: string;
  /** The key it registered or reported last. */
  keyId?: string;
  /** The age recipient that packages for it are encrypted to. */
  packageKey?: string;
  /** The feed's sequence that its replica had reached when it made a package. */
  reached?: string;
  registeredAt?: string;
  lastReportAt?: string;
  seen?: SeenHead;
  /** The instance id that it had before, as the first entry of its log says. */
  formerly?: string;
  suspicions: Suspicion[];
  replacedAt?: string;
}

/** Nodes and keys, held in memory and kept in the control store. */
export interface NodeRecords {
  get(centerId: string, instanceId: string): NodeRecord | undefined;
  /** Made when it is not there. To keep a change, `save` it. */
  of(centerId: string, instanceId: string): NodeRecord;
  save(...records: NodeRecord[]): Promise<void>;
  /** A center's nodes, by instance id. */
  list(centerId: string): NodeRecord[];
  key(keyId: string): NodeKey | undefined;
  saveKey(key: NodeKey): Promise<void>;
  readonly suspected: number;
}

export async function openNodeRecords(store: ControlStore): Promise<NodeRecords> {
  const nodeSpace = store.space<NodeRecord>('nodes');
  const keySpace = store.space<NodeKey>('node-keys');
  const nodes = new Map<string, Map<string, NodeRecord>>();
  const keys = new Map<string, NodeKey>();
  for await (const [, record] of nodeSpace.entries()) hold(record);
  for await (const [keyId, key] of keySpace.entries()) keys.set(keyId, key);

  function hold(record: NodeRecord): NodeRecord {
    const ofCenter = nodes.get(record.centerId) ?? new Map<string, NodeRecord>();
    nodes.set(record.centerId, ofCenter.set(record.instanceId, record));
    return record;
  }

  return {
    get: (centerId, instanceId) => nodes.get(centerId)?.get(instanceId),
    of: (centerId, instanceId) =>
      nodes.get(centerId)?.get(instanceId) ?? hold({ centerId, instanceId, suspicions: [] }),
    save: (...records) =>
      nodeSpace.batch(records.map((record) => [`${record.centerId}/${record.instanceId}`, record])),
    list: (centerId) =>
      [...(nodes.get(centerId)?.values() ?? [])].sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1)),
    key: (keyId) => keys.get(keyId),
    async saveKey(key) {
      // Held at once: another instance that comes with it meanwhile must not get it.
      keys.set(key.keyId, key);
      try {
        await keySpace.put(key.keyId, key);
      } catch (error) {
        keys.delete(key.keyId);
        throw error;
      }
    },
    get suspected() {
      let count = 0;
      for (const ofCenter of nodes.values()) {
        for (const { suspicions } of ofCenter.values()) if (suspicions.length > 0) count += 1;
      }
      return count;
    },
  };
}
