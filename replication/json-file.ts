import { readFile, writeFile } from 'node:fs/promises';
import { messageOf, SyncError } from './errors.ts';

/** @throws SyncError bad_request for a file that is not there or is not JSON. */
export async function readJsonFile(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw new SyncError('bad_request', `${file}: ${messageOf(cause)}`, { cause });
  }
}

/** @throws SyncError bad_request for a place that cannot be written. */
export async function writeJsonFile(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, undefined, 2)}\n`).catch((cause) => {
    throw new SyncError('bad_request', messageOf(cause), { cause });
  });
}
