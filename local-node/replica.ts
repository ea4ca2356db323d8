import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ClassicLevel } from 'classic-level';
import { unusableFolder } from '../replication/data-folder.ts';
import { roomOnDisk } from '../replication/disk-room.ts';
import { outOfSpace, SyncError } from '../replication/errors.ts';
import { type Database, type PouchConstructor, pouchIn } from '../replication/pouch.ts';
import type { RawLevel } from './disk/scan.ts';

/** The name of the replica under `/couch`. */
export const REPLICA_NAME = 'replica';

/** How long a replica that cannot be opened is left alone. */
const REOPEN_MS = 1000;

/** One change of the replica, by whoever made it. */
export interface ReplicaChange {
  id: string;
  seq: number;
  /** All leaves. */
  revs: string[];
}

/** The center's replica: PouchDB on LevelDB, every write synced to disk before it is acknowledged. */
export interface Replica extends AsyncDisposable {
  /** @throws SyncError not_ready while `closed` works; insufficient_storage while a full disk keeps it closed. */
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
  /**
   * Runs `work`, which writes much and tells the listeners of its changes itself: the changes feed, which takes as long
   * to tell of a write as the write takes, stands still. What others write meanwhile is told of afterwards.
   */
  untold(work: (tell: (change: ReplicaChange) => void) => Promise<void>): Promise<void>;
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
  await level.open().catch((error: unknown) => {
    throw unusableFolder(dataDir, error);
  });
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
  let mending: Promise<void> | undefined;
  let isDiskFull = false;
  const disposed = new AbortController();

  async function open(): Promise<void> {
    const watched = watchWrites(new pouch(REPLICA_NAME));
    const { update_seq } = await watched.info();
    db = watched;
    isDiskFull = false;
    generation += 1;
    closing = new AbortController();
    follow(watched, Number(update_seq));
  }

  function follow(followed: Database, since: number): void {
    following = followed
      .changes({ since, live: true, style: 'all_docs', return_docs: false } as PouchDB.Core.ChangesOptions)
      .on('change', ({ id, seq, changes }) =>
        tell({ id, seq: Number(seq), revs: changes.map(({ rev }) => rev) }),
      )
      .on('error', (error) => {
        // PouchDB ends a feed with an error when its database closes under it.
        if (!closing.signal.aborted) throw error;
      });
  }

  function tell(change: ReplicaChange): void {
    for (const listener of listeners) listener(change);
  }

  /**
   * LevelDB must not be written to after a write that failed: what half a record hides at the end of its log would be
   * lost. It is opened again, as soon as there is room for that.
   */
  async function mend(): Promise<void> {
    await close();
    while (await roomOnDisk(dataDir, disposed.signal)) {
      try {
        return await open();
      } catch (error) {
        isDiskFull = outOfSpace(error) !== undefined;
        await delay(REOPEN_MS, undefined, { ref: false });
      }
    }
  }

  function watchWrites(opened: Database): Database {
    const bulkDocs = opened.bulkDocs.bind(opened);
    const watched = async (...given: Parameters<typeof bulkDocs>) => {
      try {
        return await bulkDocs(...given);
      } catch (error) {
        const isOurs = opened === db && (error as { status?: number }).status === undefined;
        if (isOurs) {
          isDiskFull ||= outOfSpace(error) !== undefined;
          mending ??= mend().finally(() => {
            mending = undefined;
          });
        }
        throw error;
      }
    };
    return Object.assign(opened, { bulkDocs: watched });
  }

  async function close(): Promise<void> {
    closing.abort();
    following?.cancel();
    const closed = db;
    db = undefined;
    await closed?.close();
  }

  function opened(): Database {
    if (db) return db;
    if (isDiskFull)
      throw new SyncError(
        'insufficient_storage',
        'the disk is full: the replica is closed until there is room',
      );
    throw new SyncError('not_ready', 'the replica is being repaired; try again in a moment');
  }

  await open();
  return {
    get db() {
      return opened();
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
    async untold(work) {
      const [before, ofGeneration] = [Number((await opened().info()).update_seq), generation];
      following?.cancel();
      let told = 0;
      try {
        await work((change) => {
          told += 1;
          tell(change);
        });
      } finally {
        // One that was opened again meanwhile is followed already.
        if (db && generation === ofGeneration) {
          const after = Number((await db.info()).update_seq);
          follow(db, after === before + told ? after : before);
        }
      }
    },
    async closed(work) {
      await mending;
      await close();
      try {
        return (await withRawReplica(dataDir, work)) as Awaited<ReturnType<typeof work>>;
      } finally {
        await open();
      }
    },
    async [Symbol.asyncDispose]() {
      disposed.abort();
      await mending;
      await close();
    },
  };
}

function folderOf(dataDir: string): string {
  return join(dataDir, 'couch');
}
