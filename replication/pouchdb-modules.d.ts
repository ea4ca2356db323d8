declare module 'pouchdb-adapter-leveldb' {
  const plugin: PouchDB.Plugin;
  export default plugin;
}

declare module 'leveldown' {
  type Callback = (error?: Error) => void;
  interface WriteOptions {
    sync?: boolean;
  }
  export interface Operation {
    type: 'put' | 'del';
    key: Buffer | string;
    value?: Buffer | string;
  }
  export interface ReadOptions {
    asBuffer?: boolean;
  }
  export type GetCallback = (error: Error | null, value?: Buffer | string) => void;
  export interface IteratorOptions {
    /** How many bytes of rows are read at a time; 16 KiB unless told otherwise. */
    highWaterMark?: number;
    gt?: string;
    lt?: string;
    valueAsBuffer?: boolean;
  }
  type RowCallback = (error?: Error | null, key?: Buffer | string, value?: Buffer | string) => void;
  export interface Iterator {
    /** The rows that were read and not asked for yet, from the last one back: value, key, value, key. */
    cache: (Buffer | string)[] | null;
    _next(callback: RowCallback): Iterator;
    next(callback: RowCallback): Iterator;
    end(callback: Callback): void;
  }
  /** The part of an abstract-leveldown that is wrapped or read here. */
  export interface LevelDown {
    readonly status: string;
    open(callback: Callback): void;
    close(callback: Callback): void;
    _get(key: Buffer | string, options: ReadOptions, callback: GetCallback): void;
    _getMany(
      keys: (Buffer | string)[],
      options: ReadOptions,
      callback: (error: Error | null, values?: (Buffer | string | undefined)[]) => void,
    ): void;
    iterator(options: IteratorOptions): Iterator;
    _iterator(options: IteratorOptions): Iterator;
    _open(options: { writeBufferSize?: number }, callback: Callback): void;
    _put(key: Buffer | string, value: Buffer | string, options: WriteOptions, callback: Callback): void;
    _del(key: Buffer | string, options: WriteOptions, callback: Callback): void;
    _batch(operations: Operation[], options: WriteOptions, callback: Callback): void;
  }
  interface LevelDownConstructor {
    (location: string): LevelDown;
    destroy(location: string, callback: Callback): void;
  }
  const leveldown: LevelDownConstructor;
  export default leveldown;
}

declare module 'pouchdb-merge' {
  interface RevisionTree {
    rev_tree: object[];
  }
  /** The functions that PouchDB's own modules call, as properties of one object. */
  const merge: {
    revExists(tree: object[], rev: string): boolean;
    latest(rev: string, metadata: RevisionTree): string;
  };
  export default merge;
}

declare module 'pouchdb-selector-core' {
  interface FindRequest {
    selector: object;
    sort?: object[];
    limit?: number | undefined;
    skip?: number | undefined;
  }
  export function matchesSelector(doc: object, selector: object): boolean;
  export function massageSelector(selector: object): object;
  export function filterInMemoryFields<Row extends { doc: object }>(
    rows: Row[],
    request: FindRequest,
    fields: string[],
  ): Row[];
}
