import type { StoredDocument } from '../replication/documents.ts';
import { centerPartition, parseId, partitionOf } from '../replication/ids.ts';
import { confirms, receiptId } from '../replication/receipt.ts';
import { keyIdOf, type PublicKey } from '../replication/signing.ts';
import { readLiveLeaves } from './digests.ts';
import type { Replica } from './replica.ts';

/** One revision of a result in the replica. */
export interface ResultRevision {
  /** The document's id. */
  id: string;
  rev: string;
  enrollmentId: string;
  /** The id of the receipt that the server makes for it. */
  receiptId: string;
}

/** A session as it stands in the replica. */
export interface KnownSession {
  enrollmentId: string;
  isRunning: boolean;
  isSubmitted: boolean;
  /** The instance id of the node where it runs. */
  nodeId: string | undefined;
}

/** Sessions, results and receipts of the replica, held in memory and kept up as the replica changes. */
export interface Results {
  sessions(): Iterable<KnownSession>;
  /** Whether the session of this enrollment is over. */
  isFinished(enrollmentId: string): boolean;
  hasResult(enrollmentId: string): boolean;
  /** Every revision that stands, more than one where two nodes have written a result of one enrollment. */
  revisions(): Iterable<ResultRevision>;
  /** How many results there are. */
  readonly total: number;
  /** Whether the replica has the server's receipt for this revision. */
  hasReceipt(result: ResultRevision): boolean;
  /** A key that a receipt is signed with and that is not the server's known one. */
  readonly unknownKeyId: string | undefined;
  /** Resolves when all that has changed so far is taken in. */
  settled(): Promise<void>;
  /** These documents were changed without a trace, by a repair. */
  reread(ids: readonly string[]): void;
}

export interface ResultsOptions {
  replica: Replica;
  centerId: string;
  serverKey(): PublicKey | undefined;
}

const TYPES = ['session', 'result', 'receipt'];
const BATCH = 200;

export async function openResults({ replica, centerId, serverKey }: ResultsOptions): Promise<Results> {
  const own = centerPartition(centerId);
  const sessions = new Map<string, KnownSession>();
  const results = new Map<string, string[]>();
  const receipts = new Map<string, StoredDocument>();
  const verified = new Map<string, boolean>();
  const changed = new Set<string>();
  let running: Promise<void> | undefined;
  let verifiedWith: PublicKey | undefined;

  function take(id: string, leaves: readonly StoredDocument[]): void {
    const { type, key } = parseId(id) as { type: string; key: string };
    if (type === 'session') keep(sessions, key, leaves.length > 0 ? sessionOf(key, leaves) : undefined);
    if (type === 'result') {
      const revs = leaves.map((leaf) => leaf._rev as string);
      keep(results, key, revs.length > 0 ? revs : undefined);
    }
    if (type !== 'receipt') return;
    keep(receipts, id, leaves[0]);
    verified.delete(id);
  }

  async function takeChanged(): Promise<void> {
    for (const id of changed) {
      const leaves = await readLiveLeaves(replica.db, id);
      changed.delete(id);
      take(
        id,
        leaves.map(({ body }) => body),
      );
    }
  }

  /** Where the replica is closed or fails, what has changed waits for the next call. */
  function catchUp(): Promise<void> {
    running ??= takeChanged()
      .catch(() => {})
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  async function load(type: string): Promise<void> {
    let startkey = `${own}:${type}:`;
    for (let skip = 0; ; skip = 1) {
      const page = { startkey, endkey: `${own}:${type};`, limit: BATCH, skip };
      const { rows } = await replica.db.allDocs({ ...page, include_docs: true, conflicts: true });
      for (const { id, doc } of rows) {
        if (doc?._conflicts) changed.add(id);
        else if (doc) take(id, [doc as StoredDocument]);
      }
      const last = rows.at(-1);
      if (!last || rows.length < BATCH) return;
      startkey = last.id;
    }
  }

  function note(id: string): boolean {
    const isOne = partitionOf(id) === own && TYPES.includes(parseId(id)?.type ?? '');
    if (isOne) changed.add(id);
    return isOne;
  }

  replica.onChange(({ id }) => {
    if (note(id)) void catchUp();
  });
  for (const type of TYPES) await load(type);
  await catchUp();

  return {
    sessions: () => sessions.values(),
    isFinished: (enrollmentId) => sessions.get(enrollmentId)?.isSubmitted === true,
    hasResult: (enrollmentId) => results.has(enrollmentId),
    *revisions() {
      for (const [enrollmentId, revs] of results) {
        const id = `${own}:result:${enrollmentId}`;
        for (const rev of revs) {
          yield { id, rev, enrollmentId, receiptId: receiptId(centerId, enrollmentId, rev) };
        }
      }
    },
    get total() {
      return results.size;
    },
    hasReceipt({ id, rev, receiptId: wanted }) {
      const key = serverKey();
      const receipt = receipts.get(wanted);
      if (!key || !receipt) return false;
      if (key !== verifiedWith) verified.clear();
      verifiedWith = key;
      const isValid = verified.get(wanted) ?? confirms(receipt, id, rev, key);
      verified.set(wanted, isValid);
      return isValid;
    },
    get unknownKeyId() {
      const key = serverKey();
      const known = key && keyIdOf(key);
      for (const { keyId } of receipts.values()) if (keyId !== known) return String(keyId);
      return undefined;
    },
    async settled() {
      await catchUp();
      if (changed.size > 0) await catchUp();
    },
    reread(ids) {
      for (const id of ids) note(id);
      void catchUp();
    },
  };
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

/** Where two nodes have written a session it is over as soon as either says so. */
function sessionOf(enrollmentId: string, leaves: readonly StoredDocument[]): KnownSession {
  const isSubmitted = leaves.some(({ status }) => status === 'submitted');
  const running = leaves.find(({ status }) => status === 'running');
  const nodeId = typeof running?.nodeId === 'string' ? running.nodeId : undefined;
  return { enrollmentId, isSubmitted, isRunning: !isSubmitted && running !== undefined, nodeId };
}
