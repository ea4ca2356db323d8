import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { messageOf, SyncError } from '../errors.ts';
import { PACKAGE_MEDIA_TYPE } from './manifest.ts';

const OBSTACLES: Record<string, string> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EACCES: 'it cannot be read: its permissions do not allow it',
};

/** Looks before a server or a node is opened for it. @throws SyncError bad_request for what is no file to be read. */
export async function expectReadable(file: string): Promise<void> {
  try {
    const found = await stat(file);
    if (found.isDirectory()) throw new SyncError('bad_request', `${file}: it is a folder`);
    await access(file, constants.R_OK);
  } catch (cause) {
    if (cause instanceof SyncError) throw cause;
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw new SyncError('bad_request', `${file}: ${OBSTACLES[code] ?? messageOf(cause)}`, { cause });
  }
}

/** A request that has the file as its body. */
export function sending(
  file: string,
  headers: Record<string, string> = {},
): RequestInit & { duplex: 'half' } {
  return {
    method: 'POST',
    headers: { 'content-type': PACKAGE_MEDIA_TYPE, ...headers },
    body: Readable.toWeb(createReadStream(file)) as ReadableStream,
    duplex: 'half',
  };
}
