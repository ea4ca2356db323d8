import type { ControlStore } from '../../control/store.ts';

/** What is remembered of a document of the source, by collection and id. */
export interface Remembered {
  /** Its name outside MongoDB. */
  key: string;
  /** Of what was last made of it: a document that means the same is not looked at again. */
  hash?: string;
  center?: string;
  /** The keys in its lists. */
  lists?: Record<string, string[]>;
}

/** A document of the source that does not fit. */
export interface IngestError {
  collection: string;
  /** Its `_id`, as hexadecimal digits where it is an ObjectId. */
  id: string;
  key: string | null;
  field: string;
  reason: string;
  /** When it was first found wrong for this reason. */
  at: string;
}

/** How far the source has been read. */
export interface SourceState {
  /** The hub that it was read into. */
  hubId: string;
  /** Where the change stream goes on; absent where there is none. */
  resumeToken?: unknown;
  /** The newest `updatedAt` that was seen, ISO 8601. */
  newest: string;
}

/** What ingest keeps between its runs, in the control store's space `ingest`. */
export interface Memory {
  get(collection: string, ids: readonly string[]): Promise<(Remembered | undefined)[]>;
  /** Ids of a collection that are remembered. */
  ids(collection: string): AsyncIterable<string>;
  errors(collection?: string): AsyncIterable<IngestError>;
  /** Writes together what a batch leaves behind; `undefined` forgets. */
  put(changes: MemoryChanges): Promise<void>;
  state(): Promise<SourceState | undefined>;
}

export interface MemoryChanges {
  remembered?: Map<string, Remembered | undefined>;
  errors?: Map<string, IngestError | undefined>;
  state?: SourceState;
}

/** A document's name in the memory. */
export function nameOf(collection: string, id: string): string {
  return `${collection}/${id}`;
}

export function openMemory(store: ControlStore): Memory {
  const space = store.space<unknown>('ingest');

  async function* values<Value>(prefix: string): AsyncGenerator<Value> {
    for await (const [, value] of space.entries(prefix)) yield value as Value;
  }

  return {
    get: (collection, ids) =>
      space.getMany(ids.map((id) => `d/${nameOf(collection, id)}`)) as Promise<(Remembered | undefined)[]>,
    async *ids(collection) {
      const prefix = `d/${collection}/`;
      for await (const [key] of space.entries(prefix)) yield key.slice(prefix.length);
    },
    errors: (collection) => values<IngestError>(collection === undefined ? 'e/' : `e/${collection}/`),
    put({ remembered = new Map(), errors = new Map(), state }) {
      const entries: [string, unknown][] = [];
      for (const [name, value] of remembered) entries.push([`d/${name}`, value]);
      for (const [name, error] of errors) entries.push([`e/${name}`, error]);
      if (state) entries.push(['state', state]);
      return space.batch(entries);
    },
    state: () => space.get('state') as Promise<SourceState | undefined>,
  };
}
