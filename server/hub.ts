import { join } from 'node:path';
import { messageOf, SyncError } from '../replication/errors.ts';
import { createGroupCommit, type WriteDocuments } from '../replication/group-commit.ts';
import {
  type Database,
  type OnFailure,
  type PouchConstructor,
  pouchAt,
  pouchIn,
} from '../replication/pouch.ts';

/** The name of the hub database under `/couch`. */
export const HUB_NAME = 'cbt';

/** The one online database, embedded or a CouchDB, reached through the PouchDB API either way. */
export interface Hub extends AsyncDisposable {
  readonly db: Database;
  /** The embedded hub's PouchDB constructor, for express-pouchdb; absent when the hub is a CouchDB. */
  readonly pouch: PouchConstructor | undefined;
  /** Who this hub is: an index made of another one must not be used. */
  identity(): Promise<string>;
  /** Whether nothing is newer than this sequence; `false` where only reading on can tell. */
  isAt(seq: string | number): Promise<boolean>;
  /** Whether this is an older state of the hub than the sequence is of; `false` where it cannot be told. */
  isBefore(seq: string | number): Promise<boolean>;
  /** How many changes follow this sequence, at most; `null` when the hub does not answer. */
  countAfter(seq: string | number): Promise<number | null>;
  /** Group-committed writes: acknowledged when they are on the hub's disk. */
  readonly write: WriteDocuments;
  /** Whether writes are under way or waiting. */
  readonly busy: boolean;
}

export interface HubOptions {
  dataDir: string;
  hubUrl: string | undefined;
  /** Hears of a write to the embedded hub that failed: it takes no other until it is opened again. */
  onFailure?: OnFailure;
}

/** Opens the hub: LevelDB under `<dataDir>/couch`, or the CouchDB database at `hubUrl` (made when missing). */
export async function openHub(options: HubOptions): Promise<Hub> {
  const pouch = options.hubUrl ? undefined : pouchIn(join(options.dataDir, 'couch'), options.onFailure);
  const db = pouch ? new pouch(HUB_NAME) : pouchAt(options.hubUrl as string, { skip_setup: false });
  await db.info().catch((cause: unknown) => {
    throw options.hubUrl ? unusableHub(cause) : cause;
  });
  // Each of those who follow it listens; more than ten are no leak.
  db.setMaxListeners(0);
  const commits = createGroupCommit(db);
  return {
    db,
    pouch,
    write: commits.write,
    get busy() {
      return commits.busy;
    },
    identity: () => (db as unknown as { id(): Promise<string> }).id(),
    isAt: async (seq) => pouch !== undefined && (await db.info()).update_seq === seq,
    isBefore: async (seq) => pouch !== undefined && Number((await db.info()).update_seq) < Number(seq),
    countAfter: (seq) => countAfter(db, seq, pouch !== undefined).catch(() => null),
    async [Symbol.asyncDispose]() {
      await db.close();
    },
  };
}

/**
 * The error of the table for a hub that was not reached, `undefined` for any other failure. Where it is concerns no
 * center: the address that node-fetch names stays in the log.
 */
export function unreachableHub(error: unknown): SyncError | undefined {
  if (!(error instanceof Error) || error.name !== 'FetchError') return undefined;
  const { code = 'no answer' } = error as NodeJS.ErrnoException;
  return new SyncError('hub_unavailable', `the hub does not answer (${code})`, { cause: error });
}

/** An embedded hub's sequences are numbers; a CouchDB's are opaque, and it counts itself. */
async function countAfter(db: Database, seq: string | number, isEmbedded: boolean): Promise<number> {
  if (isEmbedded) return Math.max(0, Number((await db.info()).update_seq) - Number(seq));
  const path = `_changes?limit=0&since=${encodeURIComponent(seq)}`;
  const answer = await (db as unknown as { fetch(path: string): Promise<Response> }).fetch(path);
  const { pending } = (await answer.json()) as { pending?: number };
  if (pending === undefined) throw new TypeError('the hub does not count what is pending');
  return pending;
}

function unusableHub(cause: unknown): SyncError {
  const reason = `the CouchDB database at HUB_URL cannot be used: ${messageOf(cause)}`;
  return new SyncError('hub_unavailable', reason, { cause });
}
