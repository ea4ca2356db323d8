import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { unusableFolder } from '../replication/data-folder.ts';
import { messageOf, outOfSpace, SyncError } from '../replication/errors.ts';

type Level = ClassicLevel<string, unknown>;
export type LevelOperation =
  | { type: 'put'; key: string; value: unknown; sublevel?: object }
  | { type: 'del'; key: string; sublevel?: object };
type Operations = readonly LevelOperation[];
type Space<Value> = ReturnType<typeof ClassicLevel.prototype.sublevel<string, Value>>;

/** A LevelDB whose writes share their syncs, and which outlives a full disk. */
export interface SafeLevel extends AsyncDisposable {
  readonly level: Level;
  /** A name space of it, of JSON values. */
  space<Value>(name: string): Space<Value>;
  /**
   * All or nothing; on the disk when it resolves, unless `synced` is false. Writes that come while one is under way go
   * together in the next. @throws SyncError insufficient_storage: nothing of it is kept.
   */
  write(operations: Operations, options?: { synced: boolean }): Promise<void>;
}

interface Waiting {
  operations: Operations;
  synced: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** @throws SyncError in_use when another process has it open: LevelDB admits one; internal_error that says why. */
export async function openLevel(dataDir: string, name: string): Promise<SafeLevel> {
  const level: Level = new ClassicLevel<string, unknown>(join(dataDir, name), { valueEncoding: 'json' });
  await level.open().catch((error: unknown) => {
    throw unusableFolder(dataDir, error);
  });
  const spaces: { open(): Promise<void> }[] = [];
  const waiting: Waiting[] = [];
  let committing: Promise<void> | undefined;
  let isSound = true;

  /** A write that failed may have left half a record at the end of the log, behind which nothing would be read. */
  async function mend(): Promise<void> {
    if (isSound) return;
    await level.close();
    await level.open();
    for (const space of spaces) await space.open();
    isSound = true;
  }

  async function commit(group: Waiting[]): Promise<void> {
    try {
      await mend();
      isSound = false;
      const operations = group.flatMap((write) => write.operations);
      await level.batch(operations as never, { sync: group.some(({ synced }) => synced) });
      isSound = true;
      for (const { resolve } of group) resolve();
    } catch (error) {
      const known = storageError(error);
      for (const { reject } of group) reject(known);
    }
  }

  async function commitAll(): Promise<void> {
    while (waiting.length > 0) await commit(waiting.splice(0));
    committing = undefined;
  }

  return {
    level,
    space<Value>(name: string) {
      const space = level.sublevel<string, Value>(name, { valueEncoding: 'json' });
      spaces.push(space);
      return space as unknown as Space<Value>;
    },
    write(operations, { synced } = { synced: true }) {
      if (operations.length === 0) return Promise.resolve();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      waiting.push({ operations, synced, resolve, reject });
      committing ??= commitAll();
      return promise;
    },
    async [Symbol.asyncDispose]() {
      await committing;
      await level.close();
    },
  };
}

/** Why something could not be stored, in words for whoever was to be acknowledged. */
export function storageError(error: unknown): SyncError {
  const full = outOfSpace(error);
  if (full) return full;
  const { cause } = error as { cause?: unknown };
  const reason = `it could not be saved: ${messageOf(cause ?? error)}`;
  return new SyncError('internal_error', reason, { cause: error });
}
