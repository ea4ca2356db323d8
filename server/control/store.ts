import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import type { OnFailure } from '../../replication/pouch.ts';
import { stopAtFailure } from '../stop-at-failure.ts';

/**
 * What the server keeps for itself, beside the hub and never replicated: credentials, checkpoints of the centers'
 * clients, the quarantine. One LevelDB at `<dataDir>/control`; every write is synced before it is acknowledged.
 */
export interface ControlStore extends AsyncDisposable {
  /** A name space of JSON values; keys sort bytewise. */
  space<Value>(name: string): Space<Value>;
}

/** One name space of the control store. */
export interface Space<Value> {
  get(key: string): Promise<Value | undefined>;
  put(key: string, value: Value): Promise<void>;
  delete(key: string): Promise<void>;
  /** The values of keys, in their order. */
  getMany(keys: string[]): Promise<(Value | undefined)[]>;
  /** Writes all or nothing; `undefined` deletes. */
  batch(entries: Iterable<[key: string, value: Value | undefined]>): Promise<void>;
  /** The entries whose key begins with `prefix`, in key order; only those after the key `after`, unless it is empty. */
  entries(prefix?: string, after?: string): AsyncIterable<[string, Value]>;
  /** The value of the last key. */
  last(): Promise<Value | undefined>;
}

/** @param onFailure hears of a write that failed: the store takes no other until it is opened again. */
export async function openControlStore(
  dataDir: string,
  onFailure: OnFailure = () => {},
): Promise<ControlStore> {
  const level = new ClassicLevel<string, string>(join(dataDir, 'control'));
  stopAtFailure(level, onFailure);
  await level.open();
  const spaces = new Map<string, Space<unknown>>();
  return {
    space<Value>(name: string): Space<Value> {
      // LevelDB's sublevels are kept by their database until it closes, so that there must be one of each name.
      const space = spaces.get(name) ?? openSpace(level, name);
      spaces.set(name, space);
      return space as Space<Value>;
    },
    async [Symbol.asyncDispose]() {
      await level.close();
    },
  };
}

function openSpace(level: ClassicLevel<string, string>, name: string): Space<unknown> {
  const space = level.sublevel<string, unknown>(name, { valueEncoding: 'json' });
  return {
    get: (key) => space.get(key),
    // A sublevel hands its options down to the database, whose `sync` the types of a sublevel do not name.
    put: (key, value) => space.put(key, value, { sync: true } as object),
    delete: (key) => space.del(key, { sync: true } as object),
    getMany: (keys) => space.getMany(keys),
    batch: (entries) =>
      space.batch(
        Array.from(entries, ([key, value]) =>
          value === undefined ? { type: 'del', key } : { type: 'put', key, value },
        ),
        { sync: true } as object,
      ),
    entries(prefix = '', after) {
      const from = after ? { gt: after } : { gte: prefix };
      return space.iterator(prefix ? { ...from, lt: `${prefix}\uffff` } : from);
    },
    async last() {
      for await (const value of space.values({ reverse: true, limit: 1 })) return value;
      return undefined;
    },
  };
}
