import { SyncError } from '../../replication/errors.ts';
import { isIdPart } from '../../replication/ids.ts';
import type { LogHead } from '../../replication/log-chain.ts';
import { nodeReportSchema } from '../../replication/node-report.ts';
import { isPublicKey, keyIdOf, type PublicKey } from '../../replication/signing.ts';
import type { AuditLog } from '../control/audit.ts';
import type { Asker } from '../packages/download.ts';
import type { NodeKey, NodeRecord, NodeRecords } from './node-records.ts';

/** Suspicions that are kept of one node: the first ones tell what happened. */
const SUSPICIONS_KEPT = 20;

/** The nodes of all centers: their keys, how far each was seen, and which may no longer write. */
export interface Nodes {
  /** @throws SyncError conflict when the key belongs to another instance, whichever center's. */
  register(centerId: string, instanceId: string, publicKey: PublicKey, by: Asker): Promise<NodeKey>;
  /** Takes a node's report, which is stored: its key, and how far its log is. What is no report is left alone. */
  reported(centerId: string, report: unknown): Promise<void>;
  /** Remembers how far logs were seen. `by` says what named each head. */
  saw(centerId: string, heads: readonly { instanceId: string; head: LogHead; by: string }[]): Promise<void>;
  suspect(centerId: string, instanceId: string, what: string): Promise<void>;
  /** The node left an instance id for a new one, for `reason`. */
  renamed(centerId: string, from: string, to: string, reason: string): Promise<void>;
  isReplaced(centerId: string, instanceId: string): boolean;
  /** @returns false when it was so already. @throws SyncError not_found for a node that was never heard of. */
  replace(centerId: string, instanceId: string, from: string): Promise<boolean>;
  /** The other way: its work is taken again. What was refused meanwhile stays in the quarantine, to be decided. */
  takeBack(centerId: string, instanceId: string, from: string): Promise<boolean>;
}

export interface NodesOptions {
  records: NodeRecords;
  audit: Pick<AuditLog, 'append'>;
  now?: () => Date;
  /** Called when a key has become known. */
  onKey(key: NodeKey): void;
}

export function createNodes({ records, audit, now = () => new Date(), onKey }: NodesOptions): Nodes {
  const time = (): string => now().toISOString();

  async function addKey(
    centerId: string,
    instanceId: string,
    publicKey: PublicKey,
    by: Partial<Asker> = {},
  ): Promise<NodeKey> {
    const key = { keyId: keyIdOf(publicKey), publicKey, centerId, instanceId, registeredAt: time() };
    await records.saveKey(key);
    const record = records.of(centerId, instanceId);
    record.keyId = key.keyId;
    record.registeredAt = key.registeredAt;
    await records.save(record);
    const details = { instanceId, keyId: key.keyId };
    const actor = `center ${centerId}`;
    await audit.append({ action: 'node.registered', actor, ...by, centerId, details });
    onKey(key);
    return key;
  }

  async function suspect(centerId: string, instanceId: string, what: string): Promise<void> {
    const record = records.of(centerId, instanceId);
    if (record.suspicions.length >= SUSPICIONS_KEPT) return;
    if (record.suspicions.some((known) => known.what === what)) return;
    record.suspicions.push({ at: time(), what });
    await records.save(record);
    const details = { instanceId, what };
    await audit.append({ action: 'node.suspected', actor: 'server', centerId, details });
  }

  /** @returns what the head says against the node, if anything. */
  function see(record: NodeRecord, head: LogHead, by: string): string | undefined {
    const { seen } = record;
    if (!seen || head.n > seen.n) record.seen = { n: head.n, hash: head.hash, by, at: time() };
    if (seen?.n !== head.n || seen.hash === head.hash) return undefined;
    return `${by} and ${seen.by} name two different entries ${head.n} of its log`;
  }

  async function setReplaced(
    centerId: string,
    instanceId: string,
    { replaced, from }: { replaced: boolean; from: string },
  ): Promise<boolean> {
    const record = records.get(centerId, instanceId);
    if (!record) throw new SyncError('not_found', `center ${centerId} has no node ${instanceId}`);
    if ((record.replacedAt !== undefined) === replaced) return false;
    if (replaced) record.replacedAt = time();
    else delete record.replacedAt;
    await records.save(record);
    const action = replaced ? 'node.replaced' : 'node.taken_back';
    await audit.append({ action, actor: 'admin', from, centerId, details: { instanceId } });
    return true;
  }

  return {
    suspect,
    async register(centerId, instanceId, publicKey, by) {
      const known = records.key(keyIdOf(publicKey));
      if (!known) return addKey(centerId, instanceId, publicKey, by);
      if (known.centerId === centerId && known.instanceId === instanceId) return known;
      throw new SyncError('conflict', 'this key belongs to another node');
    },

    async reported(centerId, document) {
      const parsed = nodeReportSchema.safeParse(document);
      if (!parsed.success || !isIdPart(parsed.data.instanceId)) return;
      const { instanceId, publicKey, log, reportedAt } = parsed.data;
      if (publicKey !== undefined && isPublicKey(publicKey) && !records.key(keyIdOf(publicKey))) {
        await addKey(centerId, instanceId, publicKey);
      }
      const record = records.of(centerId, instanceId);
      record.lastReportAt = reportedAt;
      if (publicKey !== undefined) record.keyId = keyIdOf(publicKey);
      const by = `its report of ${reportedAt}`;
      const before = record.seen;
      const what = log && see(record, log, by);
      await records.save(record);
      if (what !== undefined) await suspect(centerId, instanceId, what);
      // Only a report tells how far the log is; results and entries tell how far it was.
      if (log && before && log.n < before.n) {
        const evidence = `${by} knows ${log.n} entries of its log, ${before.by} knew ${before.n}`;
        await suspect(centerId, instanceId, evidence);
      }
    },

    async saw(centerId, heads) {
      const changed = new Set<NodeRecord>();
      for (const { instanceId, head, by } of heads) {
        const record = records.of(centerId, instanceId);
        const before = record.seen;
        const what = see(record, head, by);
        if (record.seen !== before) changed.add(record);
        if (what !== undefined) await suspect(centerId, instanceId, what);
      }
      if (changed.size > 0) await records.save(...changed);
    },

    async renamed(centerId, from, to, reason) {
      const record = records.of(centerId, to);
      if (record.formerly === from) return;
      record.formerly = from;
      await records.save(record);
      await suspect(centerId, from, `the node left this instance id for ${to}: ${reason}`);
    },

    isReplaced: (centerId, instanceId) => records.get(centerId, instanceId)?.replacedAt !== undefined,

    replace: (centerId, instanceId, from) => setReplaced(centerId, instanceId, { replaced: true, from }),
    takeBack: (centerId, instanceId, from) => setReplaced(centerId, instanceId, { replaced: false, from }),
  };
}
