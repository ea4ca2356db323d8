import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, SyncError } from '../errors.ts';

/**
 * Saves a package that an API answers with, whole or not at all, as `out` or under the name it comes with.
 * @returns the file.
 */
export async function savePackage(response: Response, out: string | undefined): Promise<string> {
  const disposition = response.headers.get('content-disposition') ?? '';
  const file = out ?? /filename="([A-Za-z0-9._-]+)"/.exec(disposition)?.[1] ?? 'package.cbtpkg';
  const draft = `${file}.part`;
  try {
    await pipeline(Readable.fromWeb(response.body as never), createWriteStream(draft, { flush: true }));
    await rename(draft, file);
  } catch (cause) {
    await rm(draft, { force: true });
    throw new SyncError('internal_error', `${file} could not be written: ${messageOf(cause)}`, { cause });
  }
  return file;
}
