import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { SyncError } from '../replication/errors.ts';
import { type Database, type PouchConstructor, pouchIn } from '../replication/pouch.ts';
import type { RawLevel } from './disk/scan.ts';

/** The name of the replica under `/couch`. */
export const REPLICA_NAME = 'replica';

/** One change of the replica, by whoever made it. */
export interface ReplicaChange {
  id: string;
  seq: number;
  /** All leaves. */
  revs: string[];
}

/** The center's replica: PouchDB on LevelDB, every write synced to disk before it is acknowledged. */
export interface Replica extends AsyncDisposable {
  /** @throws SyncError not_ready while `closed` works. */
  readonly db: Database;
  readonly pouch: PouchConstructor;
  /** Made by PouchDB with the database. */
  uuid(): Promise<string>;
  /** Counts the openings: what holds on to a database of an older one must open it again. */
  readonly generation: number;
  /** Aborts when the present opening ends. */
  readonly closing: AbortSignal;
  /** Hears of each change after the opening; `since` 0 for all there is. */
  onChange(listener: (change: ReplicaChange) => void): void;
  /** Closes the replica, hands its LevelDB to `work`, and opens it again whatever comes of that. */
  closed<Result>(work: (level: RawLevel) => Promise<Result>): Promise<Result>;
}

/** Hands the LevelDB of a replica that PouchDB has not opened to `work`; `undefined` when there is none yet. */
export async function withRawReplica<Result>(
  dataDir: string,
  work: (level: RawLevel) => Promise<Result>,
): Promise<Result | undefined> {
  const location = join(folderOf(dataDir), REPLICA_NAME);
  if (!existsSync(join(location, 'CURRENT'))) return undefined;
  const level = new ClassicLevel<string, string>(location);
  await level.open();
  try {
    return await work(level);
  } finally {
    await level.close();
  }
}

export async function openReplica(dataDir: string): Promise<Replica> {
  const pouch = pouchIn(folderOf(dataDir));
  const listeners: ((change: ReplicaChange) => void)[] = [];
  let generation = 0;
  let closing = new AbortController();
  let db: Database | undefined;
  let following: { cancel(): void } | undefined;

  async function open(): Promise<void> {
    db = new pouch(REPLICA_NAME);
    const { update_seq: since } = await db.info();
    generation += 1;
    closing = new AbortController();
    following = db
      .changes({ since, live: true, style: 'all_docs', return_docs: false } as PouchDB.Core.ChangesOptions)
      .on('change', ({ id, seq, changes }) => {
        const change = { id, seq: Number(seq), revs: changes.map(({ rev }) => rev) };
        for (const listener of listeners) listener(change);
      })
      .on('error', (error) => {
        // PouchDB ends a feed with an error when its database closes under it.
        if (!closing.signal.aborted) throw error;
      });
  }

  async function close(): Promise<void> {
    closing.abort();
    following?.cancel();
    const closed = db;
    db = undefined;
    await closed?.close();
  }

  await open();
  return {
    get db() {
      if (!db) throw new SyncError('not_ready', 'the replica is being repaired; try again in a moment');
      return db;
    },
    pouch,
    uuid: () => (db as unknown as { id(): Promise<string> }).id(),
    get generation() {
      return generation;
    },
    get closing() {
      return closing.signal;
    },
    onChange: (listener) => void listeners.push(listener),
    async closed(work) {
      await close();
      try {
        return (await withRawReplica(dataDir, work)) as Awaited<ReturnType<typeof work>>;
      } finally {
        await open();
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

function folderOf(dataDir: string): string {
  return join(dataDir, 'couch');
}
