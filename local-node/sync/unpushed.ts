import { centerPartition, partitionOf } from '../../replication/ids.ts';
import { parseLogId } from '../../replication/log-chain.ts';
import type { Database } from '../../replication/pouch.ts';
import type { ReplicaChange } from '../replica.ts';

/** The documents written here that have not been pushed yet: only what the center may write travels up. */
export interface Unpushed {
  /** Without the entries of nodes' logs, which go along with the rest. */
  readonly size: number;
  readonly logEntries: number;
  has(id: string): boolean;
  /** With the sequence of the newest change of each. */
  entries(): Iterable<[id: string, seq: number]>;
  /** Takes note of a change of the replica; true when it is one to push, and not a log entry. */
  note(change: ReplicaChange, isKnownOnline: (id: string, rev: string) => boolean): boolean;
  /** All up to this sequence has been pushed. */
  settle(seq: number): void;
  /** This document, as it was changed at this sequence, has been pushed ahead of the others. */
  settleOne(id: string, seq: number): void;
  /** These have been purged, and the replica's newest sequence, which may have been one of theirs, comes no more. */
  forget(ids: readonly string[], seq: number): void;
  /** All up to this sequence is pushed or came from the server. */
  readonly mark: number;
  /** Resolves when the changes up to this sequence have been noted. */
  noted(seq: number): Promise<void>;
}

const BATCH = 1000;

/** Reads what is there since `mark`, the mark of the last session. */
export async function openUnpushed(db: Database, centerId: string, mark: number): Promise<Unpushed> {
  const own = centerPartition(centerId);
  const sequences = new Map<string, number>();
  // A mark of a replica that has been deleted says nothing about this one.
  let last = mark <= Number((await db.info()).update_seq) ? mark : 0;
  let logEntries = 0;
  let waiting: { seq: number; resolve(): void }[] = [];

  function reach(seq: number): void {
    last = Math.max(last, seq);
    const reached = waiting.filter((wait) => wait.seq <= last);
    waiting = waiting.filter((wait) => wait.seq > last);
    for (const wait of reached) wait.resolve();
  }

  function note({ id, seq, revs }: ReplicaChange, isKnown: (id: string, rev: string) => boolean): boolean {
    reach(seq);
    if (partitionOf(id) !== own || revs.every((rev) => isKnown(id, rev))) return false;
    const isLog = parseLogId(id) !== undefined;
    if (isLog && !sequences.has(id)) logEntries += 1;
    sequences.set(id, seq);
    return !isLog;
  }

  function settled(id: string): void {
    if (sequences.delete(id) && parseLogId(id)) logEntries -= 1;
  }

  for (;;) {
    const { results } = await db.changes({ since: last, limit: BATCH, style: 'all_docs' });
    for (const { id, seq, changes } of results) {
      note({ id, seq: Number(seq), revs: changes.map(({ rev }) => rev) }, () => false);
    }
    if (results.length < BATCH) break;
  }
  return {
    get size() {
      return sequences.size - logEntries;
    },
    get logEntries() {
      return logEntries;
    },
    entries: () => sequences.entries(),
    has: (id) => sequences.has(id),
    note,
    settle(seq) {
      for (const [id, noted] of sequences) if (noted <= seq) settled(id);
    },
    settleOne(id, seq) {
      if (sequences.get(id) === seq) settled(id);
    },
    forget(ids, seq) {
      for (const id of ids) settled(id);
      reach(seq);
    },
    get mark() {
      return sequences.size === 0 ? last : Math.min(...sequences.values()) - 1;
    },
    noted: (seq) =>
      seq <= last ? Promise.resolve() : new Promise((resolve) => waiting.push({ seq, resolve })),
  };
}
