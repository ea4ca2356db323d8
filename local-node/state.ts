import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { type LevelOperation, openLevel } from './level.ts';

/**
 * What the node keeps for itself, beside the replica and never replicated: its instance id, the sync mode, the
 * quarantine, the digests of its documents. One LevelDB at `<dataDir>/state`.
 */
export interface NodeState extends AsyncDisposable {
  /** Made at the first start; another one from then on when the node finds out that it is a copy. */
  readonly instanceId: string;
  /** Takes a new instance id, together with `operations`, whole or not at all. */
  rename(instanceId: string, operations: StateOperation[]): Promise<void>;
  /** A name space of JSON values; keys sort bytewise. */
  space<Value>(name: string): StateSpace<Value>;
  /** Writes to several spaces at once, whole or not at all. */
  batch(operations: StateOperation[], options?: { synced: boolean }): Promise<void>;
}

export interface StateSpace<Value> {
  get(key: string): Promise<Value | undefined>;
  /** The values of keys, in their order. */
  getMany(keys: string[]): Promise<(Value | undefined)[]>;
  /** On the disk when it returns. */
  put(key: string, value: Value): Promise<void>;
  delete(key: string): Promise<void>;
  entries(range?: { gt?: string; gte?: string; lt?: string }): AsyncIterable<[string, Value]>;
  /** For `batch`. */
  putting(key: string, value: Value): StateOperation;
  deleting(key: string): StateOperation;
}

export type StateOperation = LevelOperation;

/** @throws SyncError in_use when another process has the folder open: LevelDB admits one. */
export async function openState(dataDir: string): Promise<NodeState> {
  await mkdir(dataDir, { recursive: true });
  const { space: nameSpace, write, ...level } = await openLevel(dataDir, 'state');

  function space<Value>(name: string): StateSpace<Value> {
    const sublevel = nameSpace<Value>(name);
    const putting = (key: string, value: Value) => ({ type: 'put' as const, key, value, sublevel });
    const deleting = (key: string) => ({ type: 'del' as const, key, sublevel });
    return {
      get: (key) => sublevel.get(key),
      getMany: (keys) => sublevel.getMany(keys),
      put: (key, value) => write([putting(key, value)]),
      delete: (key) => write([deleting(key)]),
      entries: (range = {}) => sublevel.iterator(range),
      putting,
      deleting,
    };
  }

  const settings = space<string>('node');
  let instanceId = (await settings.get('instanceId')) ?? '';
  if (!instanceId) {
    instanceId = randomUUID();
    await settings.put('instanceId', instanceId);
  }
  return {
    get instanceId() {
      return instanceId;
    },
    async rename(renamed, operations) {
      await write([...operations, settings.putting('instanceId', renamed)]);
      instanceId = renamed;
    },
    space,
    batch: write,
    [Symbol.asyncDispose]: level[Symbol.asyncDispose],
  };
}
