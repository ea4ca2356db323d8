import { messageOf, SyncError } from './errors.ts';

/** Why a process cannot open its own folder: LevelDB's first message says nothing, its cause does. */
export function unusableFolder(dataDir: string, error: unknown): SyncError {
  const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
  if (cause?.code === 'LEVEL_LOCKED') {
    return new SyncError('in_use', `DATA_DIR ${dataDir} is in use by another process`, { cause: error });
  }
  const reason = `DATA_DIR ${dataDir} cannot be opened: ${messageOf(cause ?? error)}`;
  return new SyncError('internal_error', reason, { cause: error });
}
