import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** What LevelDB may write when it is opened: the log that it holds in memory, as a table. */
const ROOM_BYTES = 16 << 20;
const RETRY_MS = 1000;

/** Waits until that much can be written to `folder`, whatever limits it. @returns `false` when `signal` aborts first. */
export async function roomOnDisk(folder: string, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    if ((await isWorthATry(folder)) && (await canWrite(join(folder, 'room')))) return true;
    await delay(RETRY_MS, undefined, { signal }).catch(() => undefined);
  }
  return false;
}

/** The attempt must not take what little room others still write in. */
async function isWorthATry(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize > 1.5 * ROOM_BYTES;
}

async function canWrite(file: string): Promise<boolean> {
  try {
    await writeFile(file, new Uint8Array(ROOM_BYTES), { flush: true });
    return true;
  } catch {
    return false;
  } finally {
    await rm(file, { force: true });
  }
}
