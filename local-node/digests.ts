import { addDigest, documentDigest, formatDigest, type Leaf, subtractDigest } from '../replication/digest.ts';
import type { StoredDocument } from '../replication/documents.ts';
import { partitionOf } from '../replication/ids.ts';
import type { Difference } from '../replication/node-report.ts';
import type { Database } from '../replication/pouch.ts';
import type { NodeState, StateOperation } from './state.ts';

/** A partition of the replica: its live documents and their digest, 64 hexadecimal digits. */
export interface PartitionDigest {
  documents: number;
  digest: string;
}

/** A document as it was found, to be compared with what was recorded when it was written. */
export interface FoundDocument {
  id: string;
  /** Sequence of its newest revision; absent when it is known to be recorded already. */
  seq?: number;
  /** The live ones. */
  leaves: readonly Leaf[];
}

/**
 * The digest of every live document and of every partition, recorded as changes are applied and kept in the node's
 * state: derived data, but also the node's own witness of what it wrote.
 */
export interface Digests {
  totals(): Map<string, PartitionDigest>;
  /** The documents of a partition with their digests, in the order of their ids. */
  documents(partition: string): AsyncIterable<[id: string, digest: string]>;
  digestOf(id: string): Promise<string | undefined>;
  /** Records what has changed in the replica since the last call; calls at the same time share one run. */
  catchUp(db: Database): Promise<void>;
  /** The replica's sequence up to which changes are recorded. */
  readonly since: number;
  /** Says which replica is recorded, by its uuid; the record of another one is dropped. */
  adopt(uuid: string): Promise<void>;
  /** Begins a comparison of everything found, which must come in the order of the ids. */
  examine(): Promise<Examination>;
  /** Takes documents out that are purged from the replica. */
  forget(ids: readonly string[]): Promise<void>;
}

/** One reading of the whole replica against the record. */
export interface Examination {
  found(documents: readonly FoundDocument[]): Promise<Difference[]>;
  /** Ends the reading; what was recorded and not found is lost. All up to `seq` is recorded then. */
  end(seq?: number): Promise<Difference[]>;
}

const BATCH = 500;

export async function openDigests(state: NodeState): Promise<Digests> {
  const records = state.space<string>('digest');
  const partitions = state.space<PartitionDigest>('digest-partition');
  const marks = state.space<number | string>('digest-mark');
  const totals = new Map<string, PartitionDigest>();
  for await (const [partition, total] of partitions.entries()) totals.set(partition, total);
  let since = Number((await marks.get('seq')) ?? 0);
  let running: Promise<void> | undefined;

  let writing: Promise<void> = Promise.resolve();

  /** One writing after the other: each reads the sums that the one before has left. */
  function record(digests: Map<string, string | undefined>, seq?: number): Promise<void> {
    const written = writing.then(() => write(digests, seq ?? since));
    writing = written.catch(() => {});
    return written;
  }

  /** Writes the digests of some documents, and the sums and the sequence with them, whole or not at all. */
  async function write(digests: Map<string, string | undefined>, seq: number): Promise<void> {
    const operations: StateOperation[] = [];
    const sums = new Map<string, PartitionDigest>();
    const recorded = await records.getMany([...digests.keys()]);
    for (const [index, [id, digest]] of [...digests].entries()) {
      const partition = partitionOf(id);
      const before = recorded[index];
      if (before === digest) continue;
      const sum = sums.get(partition) ?? totals.get(partition) ?? { documents: 0, digest: '0' };
      sums.set(partition, replaced(sum, before, digest));
      operations.push(digest === undefined ? records.deleting(id) : records.putting(id, digest));
    }
    for (const [partition, sum] of sums) operations.push(partitions.putting(partition, sum));
    if (seq !== since) operations.push(marks.putting('seq', seq));
    await state.batch(operations, { synced: false });
    for (const [partition, sum] of sums) totals.set(partition, sum);
    since = seq;
  }

  async function follow(db: Database): Promise<void> {
    for (;;) {
      const { results } = await db.changes({ since, limit: BATCH, style: 'all_docs', include_docs: true });
      const last = results.at(-1);
      if (!last) return;
      const digests = new Map<string, string | undefined>();
      for (const { id, doc, changes } of results) {
        if (isCounted(id)) digests.set(id, digestOf(id, await liveLeaves(db, id, doc, changes)));
      }
      await record(digests, Number(last.seq));
    }
  }

  async function startOver(): Promise<void> {
    const gone = new Map<string, undefined>();
    for await (const [id] of records.entries()) gone.set(id, undefined);
    await record(gone, 0);
  }

  return {
    totals: () => totals,
    documents: (partition) => records.entries({ gte: `${partition}:`, lt: `${partition};` }),
    digestOf: (id) => records.get(id),
    catchUp(db) {
      running ??= follow(db).finally(() => {
        running = undefined;
      });
      return running;
    },
    get since() {
      return since;
    },
    async adopt(uuid) {
      if ((await marks.get('uuid')) === uuid) return;
      await startOver();
      await marks.put('uuid', uuid);
    },
    examine: async () => examination(records.entries(), since, record),
    forget: (ids) => record(new Map(ids.map((id) => [id, undefined]))),
  };
}

/**
 * Compares what is found with the record, both in the order of the ids. What was written after the record's last
 * sequence is new, not altered.
 */
function examination(
  recorded: AsyncIterable<[string, string]>,
  since: number,
  record: (digests: Map<string, string | undefined>, seq?: number) => Promise<void>,
): Examination {
  const rows = recorded[Symbol.asyncIterator]();
  let head: [string, string] | undefined;
  let started = false;

  async function next(): Promise<void> {
    const row = await rows.next();
    head = row.done ? undefined : row.value;
    started = true;
  }

  /** The records before `id` (all that are left without one), which nothing was found for. */
  async function missed(id?: string): Promise<string[]> {
    if (!started) await next();
    const ids: string[] = [];
    while (head && (id === undefined || compareIds(head[0], id) < 0)) {
      ids.push(head[0]);
      await next();
    }
    return ids;
  }

  return {
    async found(documents) {
      const differences: Difference[] = [];
      const digests = new Map<string, string | undefined>();
      for (const { id, seq, leaves } of documents) {
        if (!isCounted(id)) continue;
        for (const lost of await missed(id)) {
          differences.push({ id: lost, problem: 'lost' });
          digests.set(lost, undefined);
        }
        const before = head?.[0] === id ? head[1] : undefined;
        if (before !== undefined) await next();
        const digest = digestOf(id, leaves);
        digests.set(id, digest);
        const isNew = seq !== undefined && seq > since;
        if (digest !== before && !isNew) differences.push({ id, problem: problemOf(digest, before) });
      }
      await record(digests);
      return differences;
    },
    async end(seq) {
      const ids = await missed();
      await record(new Map(ids.map((id) => [id, undefined])), seq);
      return ids.map((id) => ({ id, problem: 'lost' }));
    },
  };
}

/** How a digest that is here differs from the one that should be. */
export function problemOf(here: string | undefined, expected: string | undefined): Difference['problem'] {
  if (here === undefined) return 'lost';
  return expected === undefined ? 'added' : 'altered';
}

/** Design documents of the node's own, such as its indexes, are no part of what a center must hold. */
function isCounted(id: string): boolean {
  return !id.startsWith('_design/');
}

function digestOf(id: string, leaves: readonly Leaf[]): string | undefined {
  return leaves.length === 0 ? undefined : documentDigest(id, leaves);
}

function replaced(
  sum: PartitionDigest,
  before: string | undefined,
  after: string | undefined,
): PartitionDigest {
  let digest = BigInt(`0x${sum.digest}`);
  if (before !== undefined) digest = subtractDigest(digest, before);
  if (after !== undefined) digest = addDigest(digest, after);
  const documents = sum.documents + Number(after !== undefined) - Number(before !== undefined);
  return { documents, digest: formatDigest(digest) };
}

async function liveLeaves(
  db: Database,
  id: string,
  winner: StoredDocument | undefined,
  changes: readonly { rev: string }[],
): Promise<Leaf[]> {
  if (changes.length === 1 && winner?._rev === changes[0]?.rev) {
    return winner?._deleted ? [] : [{ rev: winner?._rev as string, body: winner as StoredDocument }];
  }
  return readLiveLeaves(db, id);
}

/** All live leaves of a document. */
export async function readLiveLeaves(db: Database, id: string): Promise<Leaf[]> {
  const answers = (await db.get(id, { open_revs: 'all' }).catch((error: { status?: number }) => {
    if (error.status === 404) return [];
    throw error;
  })) as { ok?: StoredDocument }[];
  return answers.flatMap(({ ok }) => (ok && !ok._deleted ? [{ rev: ok._rev as string, body: ok }] : []));
}

/** As LevelDB sorts keys: by their bytes. */
function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.from(a).toString('latin1') < Buffer.from(b).toString('latin1') ? -1 : 1;
}
