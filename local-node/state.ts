import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { unusableFolder } from '../replication/data-folder.ts';

/**
 * What the node keeps for itself, beside the replica and never replicated: its instance id, the sync mode, the
 * quarantine, the digests of its documents. One LevelDB at `<dataDir>/state`.
 */
export interface NodeState extends AsyncDisposable {
  /** Made at the first start, the same for the life of `dataDir`. */
  readonly instanceId: string;
  /** A name space of JSON values; keys sort bytewise. */
  space<Value>(name: string): StateSpace<Value>;
  /** Writes to several spaces at once, whole or not at all. */
  batch(operations: StateOperation[], options?: { synced: boolean }): Promise<void>;
}

export interface StateSpace<Value> {
  get(key: string): Promise<Value | undefined>;
  /** On the disk when it returns. */
  put(key: string, value: Value): Promise<void>;
  delete(key: string): Promise<void>;
  entries(range?: { gt?: string; gte?: string; lt?: string }): AsyncIterable<[string, Value]>;
  /** For `batch`. */
  putting(key: string, value: Value): StateOperation;
  deleting(key: string): StateOperation;
}

export type StateOperation =
  | { type: 'put'; key: string; value: unknown; sublevel: object }
  | { type: 'del'; key: string; sublevel: object };

/** @throws SyncError in_use when another process has the folder open: LevelDB admits one. */
export async function openState(dataDir: string): Promise<NodeState> {
  await mkdir(dataDir, { recursive: true });
  const level = new ClassicLevel<string, string>(join(dataDir, 'state'));
  await level.open().catch((error: unknown) => {
    throw unusableFolder(dataDir, error);
  });
  const synced = { sync: true } as object;

  function space<Value>(name: string): StateSpace<Value> {
    const sublevel = level.sublevel<string, Value>(name, { valueEncoding: 'json' });
    return {
      get: (key) => sublevel.get(key),
      put: (key, value) => sublevel.put(key, value, synced),
      delete: (key) => sublevel.del(key, synced),
      entries: (range = {}) => sublevel.iterator(range),
      putting: (key, value) => ({ type: 'put', key, value, sublevel }),
      deleting: (key) => ({ type: 'del', key, sublevel }),
    };
  }

  const settings = space<string>('node');
  let instanceId = await settings.get('instanceId');
  if (!instanceId) {
    instanceId = randomUUID();
    await settings.put('instanceId', instanceId);
  }
  return {
    instanceId,
    space,
    async batch(operations, options = { synced: true }) {
      if (operations.length > 0) await level.batch(operations as never, { sync: options.synced });
    },
    async [Symbol.asyncDispose]() {
      await level.close();
    },
  };
}
