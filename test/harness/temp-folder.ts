import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh folder that is gone when its scope ends: `await using folder = await tempFolder()`. */
export interface TempFolder extends AsyncDisposable {
  readonly path: string;
}

export async function tempFolder(label = 'cbt'): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), `${label}-`));
  return {
    path,
    // A database that closes may still be removing a file of its own.
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}
