import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { StoredDocument } from '../documents.ts';
import { SyncError } from '../errors.ts';
import { createByteReader } from './bytes.ts';
import type { Manifest, PackageEnd } from './manifest.ts';
import { type PackageReading, type Receiver, readHead, readPackage } from './read.ts';

/** A package in a file of one's own, read through and found right: it can be applied, and again after a crash. */
export interface StagedPackage {
  readonly manifest: Manifest;
  readonly end: PackageEnd;
  /** Its revisions, from the start each time. */
  batches(): AsyncIterable<StoredDocument[]>;
}

/** How far the checking of a package has come, in revisions. */
type CheckProgress = (revisions: number) => void;

/** A package of so much is held in memory once it has been read, and need not be read again to be applied. */
const KEPT_BYTES = 4 << 20;
const KEPT_REVISIONS = 20_000;
const SECTIONS_AT_ONCE = 4;

/**
 * Copies a package into `file`, on the disk when it returns, and reads it through. A bad one leaves no file.
 * @throws SyncError as `readPackage`, insufficient_storage when the disk is full, bad_request when the source breaks off.
 */
export async function stagePackage(
  source: AsyncIterable<Uint8Array>,
  file: string,
  receiver: Receiver,
  progress?: CheckProgress,
): Promise<StagedPackage> {
  try {
    await pipeline(forHere(source, receiver), createWriteStream(file, { flush: true }));
    return await openStaged(file, receiver, progress);
  } catch (error) {
    await rm(file, { force: true });
    throw explain(error);
  }
}

/** Reads a package that is in a file through. @throws SyncError as `readPackage`. */
export async function openStaged(
  file: string,
  receiver: Receiver,
  progress: CheckProgress = () => {},
): Promise<StagedPackage> {
  const open = (): Promise<PackageReading> => readPackage(createReadStream(file), receiver);
  const reading = await open();
  let revisions = 0;
  let kept: StoredDocument[][] | undefined = (await stat(file)).size <= KEPT_BYTES ? [] : undefined;
  for await (const batch of reading.batches) {
    revisions += batch.length;
    kept = revisions <= KEPT_REVISIONS ? kept : undefined;
    kept?.push(batch);
    progress(revisions);
  }
  return {
    manifest: reading.manifest,
    end: reading.end(),
    async *batches() {
      yield* inLargerBatches(kept ?? (await open()).batches);
    },
  };
}

/** Several sections at a time: a database takes them faster so. What has a section for itself may be large. */
async function* inLargerBatches(
  batches: Iterable<StoredDocument[]> | AsyncIterable<StoredDocument[]>,
): AsyncGenerator<StoredDocument[]> {
  let group: StoredDocument[][] = [];
  for await (const batch of batches) {
    group.push(batch);
    if (group.length < SECTIONS_AT_ONCE && batch.length > 1) continue;
    yield group.flat();
    group = [];
  }
  if (group.length > 0) yield group.flat();
}

/** The same bytes; what is not for here, by its first line, is not copied. */
async function* forHere(source: AsyncIterable<Uint8Array>, receiver: Receiver): AsyncGenerator<Uint8Array> {
  await using reader = createByteReader(source);
  const { line } = await readHead(reader, receiver);
  yield line;
  yield* reader.rest();
}

function explain(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ECONNRESET') {
    return new SyncError('bad_request', 'the package broke off before its end', { cause: error });
  }
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return new SyncError('insufficient_storage', 'the disk is full: the package was not imported', {
    cause: error,
  });
}
