import { constants } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, SyncError } from '../errors.ts';

const INTERRUPTS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Why a file cannot be put where it should be, by what the system says. */
const OBSTACLES: Record<string, string> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
  EACCES: 'this folder cannot be written to',
  EPERM: 'this folder cannot be written to',
  EROFS: 'this folder cannot be written to',
  ENOSPC: 'the disk is full',
};

/**
 * Saves the package that an API answers with, whole or not at all, as `out` or under the name it comes with.
 * @param ask not called where nothing can be written. @returns where, and the answer’s headers.
 * @throws SyncError that says why not; an AbortError when a signal came before the end.
 */
export async function savePackage(
  ask: (signal: AbortSignal) => Promise<Response>,
  out: string | undefined,
): Promise<{ file: string; headers: Headers }> {
  const target = out === undefined ? undefined : await targetOf(out);
  const draft = `${target ?? 'package.cbtpkg'}.${process.pid}.part`;
  using interrupt = listenForInterrupt();
  const { signal } = interrupt;
  const handle = await openDraft(draft, out);
  try {
    const response = await ask(signal);
    const file = target ?? nameOf(response);
    await write(response, handle, file, signal);
    await rename(draft, file);
    return { file: out ?? file, headers: response.headers };
  } catch (error) {
    await rm(draft, { force: true });
    throw signal.aborted ? signal.reason : error;
  } finally {
    await handle.close();
  }
}

/** What is there already is replaced, where a link leads to; a pipe or a device would be, too, and is refused. */
async function targetOf(out: string): Promise<string> {
  const found = await stat(out).catch(() => undefined);
  if (!found) return out;
  if (!found.isFile()) throw new SyncError('bad_request', `${out} is not a file: a package is saved as one`);
  return realpath(out);
}

async function openDraft(draft: string, out: string | undefined): Promise<FileHandle> {
  const { O_WRONLY, O_CREAT, O_EXCL } = constants;
  try {
    return await open(draft, O_WRONLY | O_CREAT | O_EXCL);
  } catch (cause) {
    throw notWritten(out ?? 'the package', cause);
  }
}

function nameOf({ headers }: Response): string {
  const disposition = headers.get('content-disposition') ?? '';
  return /filename="([A-Za-z0-9._-]+)"/.exec(disposition)?.[1] ?? 'package.cbtpkg';
}

async function write(
  response: Response,
  handle: FileHandle,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const stream = handle.createWriteStream({ flush: true });
  try {
    await pipeline(Readable.fromWeb(response.body as never), stream, { signal });
  } catch (cause) {
    throw notWritten(file, cause);
  }
}

function notWritten(file: string, cause: unknown): SyncError {
  const { code = '' } = cause as NodeJS.ErrnoException;
  const kind = code === 'ENOSPC' ? 'insufficient_storage' : 'bad_request';
  return new SyncError(kind, `${file} cannot be written: ${OBSTACLES[code] ?? messageOf(cause)}`, { cause });
}

/** While it is in use a signal aborts instead of ending the process. */
function listenForInterrupt(): Disposable & { signal: AbortSignal } {
  const stop = new AbortController();
  const interrupt = () => stop.abort(new DOMException('interrupted: nothing was saved', 'AbortError'));
  for (const name of INTERRUPTS) process.once(name, interrupt);
  return {
    signal: stop.signal,
    [Symbol.dispose]() {
      for (const name of INTERRUPTS) process.off(name, interrupt);
    },
  };
}
