import type { Iterator, LevelDown, Operation } from 'leveldown';

/** Where PouchDB keeps the revision tree of each document. */
const TREES = '\xffdocument-store\xff';
/** Where it keeps what each revision says, by sequences; a revision's text ends with its id and the rest of its own. */
const REVISIONS = Buffer.from('\xffby-sequence\xff');
const DOCUMENT_ID = /[,{]"_id":("(?:[^"\\]|\\.)*"),"_rev":"[^"]*"(?:,"_deleted":true)?\}$/;

/** How many bytes of revisions are read at a time, and with them the trees of as many documents. */
const READ_AHEAD_BYTES = 64 << 10;

/** How much text is remembered: the trees of about twenty thousand documents. */
const REMEMBERED_LENGTH = 8 << 20;

/**
 * Remembers the revision trees that were written last, and reads those ahead that changes are about to ask for.
 * PouchDB's changes ask for the tree of each document, one after the other, each time through LevelDB's threads; all
 * who follow a database ask for what was written a moment ago, and who reads it through asks for what its next rows
 * name. A tree is remembered only when its write is done, and forgotten as soon as another one begins.
 */
export function rememberTrees(level: LevelDown): void {
  const get = level._get.bind(level);
  const batch = level._batch.bind(level);
  const iterator = level._iterator.bind(level);
  const trees = createTrees();

  level._get = (key, options, callback) => {
    const tree = options.asBuffer === false ? trees.get(key) : undefined;
    if (tree === undefined) get(key, options, callback);
    else queueMicrotask(() => callback(null, tree));
  };
  level._batch = (operations, options, callback) => {
    const written = trees.writing(operations);
    batch(operations, options, (error) => {
      written(error === undefined || error === null);
      callback(error);
    });
  };
  level._iterator = (options) =>
    withTreesAhead(iterator({ ...options, highWaterMark: READ_AHEAD_BYTES }), (ids, callback) =>
      readAhead(level, trees, ids, callback),
    );
}

/** Rows come in batches: the trees of a batch's documents are there before its first row is handed over. */
function withTreesAhead(
  rows: Iterator,
  readTrees: (ids: readonly string[], callback: () => void) => void,
): Iterator {
  const next = rows._next.bind(rows);
  rows._next = (callback) => {
    if (rows.cache?.length) return next(callback);
    return next((error, key, value) => {
      const isRevision = Buffer.isBuffer(key) && key.subarray(0, REVISIONS.length).equals(REVISIONS);
      if (error || !isRevision) {
        callback(error, key, value);
        return;
      }
      const values = [value, ...(rows.cache ?? []).filter((_, index) => index % 2 === 0)];
      readTrees(values.flatMap(idOf), () => callback(error, key, value));
    });
  };
  return rows;
}

/** A document's id in the text of one of its revisions; none where it is written another way. */
function idOf(value: Buffer | string | undefined): string[] {
  const [, id] = (typeof value === 'string' && DOCUMENT_ID.exec(value)) || [];
  return id === undefined ? [] : [JSON.parse(id) as string];
}

function readAhead(level: LevelDown, trees: Trees, ids: readonly string[], callback: () => void): void {
  const keys = trees.unknown(ids.map((id) => TREES + id));
  if (keys.length === 0 || level.status !== 'open') {
    callback();
    return;
  }
  const read = trees.reading(keys);
  // A tree that could not be read ahead is read when it is asked for.
  level._getMany(keys, { asBuffer: false }, (_error, values = []) => {
    read(values);
    callback();
  });
}

interface Trees {
  get(key: Buffer | string): string | undefined;
  /** Of these keys, those that are neither remembered nor being written. */
  unknown(keys: readonly string[]): string[];
  /** @returns what is told when the trees of these keys have been read: they count unless written meanwhile. */
  reading(keys: readonly string[]): (values: readonly (Buffer | string | undefined)[]) => void;
  /** Forgets what a batch writes. @returns what is told when it has been written, or has failed. */
  writing(operations: readonly Operation[]): (isDone: boolean) => void;
}

function createTrees(): Trees {
  const remembered = new Map<string, string>();
  /** The last batch that writes a tree, as long as it has not ended. */
  const underWay = new Map<string, readonly Operation[]>();
  /** What was written since each reading began. */
  const readings = new Set<Set<string>>();
  let length = 0;

  function forget(key: string): void {
    length -= remembered.get(key)?.length ?? 0;
    remembered.delete(key);
  }

  function remember(key: string, tree: string): void {
    remembered.set(key, tree);
    length += tree.length;
    for (const oldest of remembered.keys()) {
      if (length <= REMEMBERED_LENGTH) break;
      forget(oldest);
    }
  }

  return {
    get: (key) => remembered.get(key as string),
    unknown: (keys) => [...new Set(keys)].filter((key) => !remembered.has(key) && !underWay.has(key)),
    reading(keys) {
      const written = new Set<string>();
      readings.add(written);
      return (values) => {
        readings.delete(written);
        for (const [index, key] of keys.entries()) {
          const value = values[index];
          if (typeof value === 'string' && !written.has(key)) {
            forget(key);
            remember(key, value);
          }
        }
      };
    },
    writing(operations) {
      const trees = operations.filter(({ key }) => typeof key === 'string' && key.startsWith(TREES));
      for (const { key } of trees) {
        forget(key as string);
        for (const written of readings) written.add(key as string);
        underWay.set(key as string, operations);
      }
      return (isDone) => {
        for (const { type, key, value } of trees) {
          if (underWay.get(key as string) !== operations) continue;
          underWay.delete(key as string);
          if (isDone && type === 'put' && typeof value === 'string') remember(key as string, value);
        }
      };
    },
  };
}
