import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import leveldown from 'leveldown';
import PouchDB from 'pouchdb';
import leveldbAdapter from 'pouchdb-adapter-leveldb';
import find from 'pouchdb-find';
import merge from 'pouchdb-merge';
import type { StoredDocument } from './documents.ts';
import { gatherGets } from './gathered-gets.ts';
import { rememberTrees } from './remembered-trees.ts';

PouchDB.plugin(leveldbAdapter);
PouchDB.plugin(find);
answerUnknownRevisions();

export type Database = PouchDB.Database<StoredDocument>;
/** A PouchDB constructor whose databases live in one folder; express-pouchdb takes one. */
export type PouchConstructor = new (name: string) => Database;

/** Hears of a write that failed. */
export type OnFailure = (error: unknown) => void;
type WriteCallback = (error?: Error) => void;

/**
 * How much LevelDB holds in memory (and in its synced log) before it sorts it into files. Its default of 4 MiB has a
 * batch of answer sheets rewritten again and again while the next ones come.
 */
const WRITE_BUFFER_BYTES = 16 << 20;

/**
 * LevelDB that acknowledges a write only when it is on the disk. PouchDB's default leaves the last writes in a
 * buffer of the operating system, where a power cut takes them. After a write that failed it takes no other until it
 * is opened again: what half a record hides at the end of its log would be lost.
 */
function syncedLevelDown(location: string, onFailure: OnFailure) {
  const level = leveldown(location);
  let failure: Error | undefined;
  const put = level._put.bind(level);
  const batch = level._batch.bind(level);
  const open = level._open.bind(level);
  const guarded = (callback: WriteCallback, write: (done: WriteCallback) => void) => {
    if (failure) return process.nextTick(callback, failure);
    write((error) => {
      failure ??= error;
      if (error) onFailure(error);
      callback(error);
    });
  };
  level._put = (key, value, options, callback) =>
    guarded(callback, (done) => put(key, value, { ...options, sync: true }, done));
  level._batch = (operations, options, callback) =>
    guarded(callback, (done) => batch(operations, { ...options, sync: true }, done));
  gatherGets(level);
  rememberTrees(level);
  level._open = (options, callback) => open({ ...options, writeBufferSize: WRITE_BUFFER_BYTES }, callback);
  return level;
}

/**
 * A PouchDB constructor for the databases of `folder` (made when missing), each write synced to disk.
 * @param onFailure hears of the first write of each opening that failed.
 */
export function pouchIn(folder: string, onFailure: OnFailure = () => {}): PouchConstructor {
  mkdirSync(folder, { recursive: true });
  const open = (location: string) => syncedLevelDown(location, onFailure);
  const options = { prefix: join(folder, '/'), db: Object.assign(open, { destroy: leveldown.destroy }) };
  return PouchDB.defaults(options as PouchDB.Configuration.DatabaseConfiguration) as PouchConstructor;
}

/** A database behind HTTP: a CouchDB, or a center feed. */
export function pouchAt(
  url: string,
  options: PouchDB.Configuration.RemoteDatabaseConfiguration = {},
): Database {
  return new PouchDB<StoredDocument>(url, { skip_setup: true, ...options });
}

/**
 * Asked for the `latest` of a revision that its document does not have, PouchDB throws where nobody can catch it, and
 * the process ends. The revision stands for itself here, so that it is answered as missing, as CouchDB does.
 */
function answerUnknownRevisions(): void {
  const { latest } = merge;
  merge.latest = (rev, metadata) => (merge.revExists(metadata.rev_tree, rev) ? latest(rev, metadata) : rev);
}
