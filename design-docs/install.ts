import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { messageOf, SyncError } from '../replication/errors.ts';
import type { Database } from '../replication/pouch.ts';

/** A design document as it is stored. Functions are their files' text, whatever tool has compiled the program. */
export interface DesignDocument {
  _id: string;
  _rev?: string;
  [field: string]: unknown;
}

const FOLDER = import.meta.dirname;
const INDEXES = 'indexes';
/** A partitioned CouchDB database would otherwise index each partition for itself. */
const OPTIONS = { partitioned: false };
const TRIES = 5;

/**
 * Installs the design documents of this folder in a database, embedded or a CouchDB; what is there already in the
 * same form is left alone, so that no index is built again. @throws SyncError forbidden, hub_unavailable.
 */
export async function installDesignDocuments(db: Database): Promise<void> {
  for (const doc of await readDesignDocuments()) await install(db, doc);
}

/** The design documents as the files of this folder make them. */
export async function readDesignDocuments(): Promise<DesignDocument[]> {
  const names = await foldersOf(FOLDER);
  const docs = await Promise.all(names.filter((name) => name !== INDEXES).map(readFunctions));
  const files = await readdir(join(FOLDER, INDEXES));
  const indexes = await Promise.all(files.sort().map((file) => readIndex(join(FOLDER, INDEXES, file))));
  return [...docs, ...indexes];
}

/** `<name>/filters/*.js`, `<name>/views/<view>/{map,reduce}.js`, `<name>/validate_doc_update.js`. */
async function readFunctions(name: string): Promise<DesignDocument> {
  const doc: DesignDocument = { _id: `_design/${name}`, language: 'javascript', options: OPTIONS };
  return { ...doc, ...(await readTree(join(FOLDER, name))) };
}

async function readTree(folder: string): Promise<Record<string, unknown>> {
  const tree: Record<string, unknown> = {};
  for (const entry of (await readdir(folder, { withFileTypes: true })).sort(byName)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) tree[entry.name] = await readTree(path);
    else tree[entry.name.replace(/\.js$/, '')] = await readFunction(path);
  }
  return tree;
}

/** CouchDB takes the text as an expression: without the comment that heads a file, and without the name. */
async function readFunction(file: string): Promise<string> {
  const text = await readFile(file, 'utf8');
  return text
    .replace(/^(\/\/.*\n)+/, '')
    .replace(/^function \w+\(/, 'function (')
    .trim();
}

/** A mango index as CouchDB and pouchdb-find store it. */
async function readIndex(file: string): Promise<DesignDocument> {
  const { name, fields } = JSON.parse(await readFile(file, 'utf8')) as { name: string; fields: string[] };
  const ascending = Object.fromEntries(fields.map((field) => [field, 'asc']));
  const view = { map: { fields: ascending }, reduce: '_count', options: { def: { fields } } };
  return { _id: `_design/${name}`, language: 'query', views: { [name]: view }, options: OPTIONS };
}

async function install(db: Database, doc: DesignDocument): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      const found = await db.get<Record<string, unknown>>(doc._id).catch(absent);
      if (found && isDeepStrictEqual(withoutRev(found), doc)) return;
      await db.put({ ...doc, ...(found && { _rev: found._rev }) });
      return;
    } catch (error) {
      const { status } = error as { status?: number };
      // Another server is installing the same at the same time.
      if (status === 409 && tries < TRIES) continue;
      throw refusal(doc._id, status, error);
    }
  }
}

function refusal(id: string, status: number | undefined, cause: unknown): SyncError {
  if (status === 401 || status === 403) {
    return new SyncError('forbidden', `the hub does not take ${id}: HUB_URL must name its administrator`, {
      cause,
    });
  }
  return new SyncError('hub_unavailable', `the hub does not take ${id}: ${messageOf(cause)}`, { cause });
}

function absent(error: { status?: number }): undefined {
  if (error.status !== 404) throw error;
}

function withoutRev({ _rev, ...doc }: Record<string, unknown>): Record<string, unknown> {
  return doc;
}

async function foldersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .sort(byName)
    .map((entry) => entry.name);
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
