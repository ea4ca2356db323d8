import { join } from 'node:path';
import { messageOf, SyncError } from '../replication/errors.ts';
import { createGroupCommit, type WriteDocuments } from '../replication/group-commit.ts';
import { type Database, type PouchConstructor, pouchAt, pouchIn } from '../replication/pouch.ts';

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
  /** Group-committed writes: acknowledged when they are on the hub's disk. */
  readonly write: WriteDocuments;
  /** Whether writes are under way or waiting. */
  readonly busy: boolean;
}

/** Opens the hub: LevelDB under `<dataDir>/couch`, or the CouchDB database at `hubUrl` (made when missing). */
export async function openHub(options: { dataDir: string; hubUrl: string | undefined }): Promise<Hub> {
  const pouch = options.hubUrl ? undefined : pouchIn(join(options.dataDir, 'couch'));
  const db = pouch ? new pouch(HUB_NAME) : pouchAt(options.hubUrl as string, { skip_setup: false });
  await db.info().catch((cause: unknown) => {
    throw options.hubUrl ? unusableHub(cause) : cause;
  });
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
    async [Symbol.asyncDispose]() {
      await db.close();
    },
  };
}

function unusableHub(cause: unknown): SyncError {
  const reason = `the CouchDB database at HUB_URL cannot be used: ${messageOf(cause)}`;
  return new SyncError('hub_unavailable', reason, { cause });
}
