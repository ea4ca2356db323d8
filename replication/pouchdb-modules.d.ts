declare module 'pouchdb-adapter-leveldb' {
  const plugin: PouchDB.Plugin;
  export default plugin;
}

declare module 'leveldown' {
  type Callback = (error?: Error) => void;
  interface WriteOptions {
    sync?: boolean;
  }
  /** The part of an abstract-leveldown that is wrapped or read here. */
  interface LevelDown {
    _open(options: { writeBufferSize?: number }, callback: Callback): void;
    _put(key: Buffer | string, value: Buffer | string, options: WriteOptions, callback: Callback): void;
    _batch(operations: object[], options: WriteOptions, callback: Callback): void;
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
