import type { FastifyBaseLogger } from 'fastify';
import { messageOf, SyncError } from '../../replication/errors.ts';
import type { PackageKind } from '../../replication/package/manifest.ts';
import { type Receiver, readPackage } from '../../replication/package/read.ts';
import type { RoundParts } from '../sync/round.ts';
import { type KnownRevisions, writeBatches } from './write.ts';

/** What is told while a first replica comes as a package. */
export interface FetchHooks {
  signal: AbortSignal;
  /** It has begun to come, and leads up to this sequence. */
  begun(through: string): void;
  progress(revisions: number): void;
}

/** What has come. */
interface FirstReplica {
  packageId: string;
  kind: PackageKind;
  written: number;
}

type Parts = Pick<RoundParts, 'line' | 'replica' | 'unpushed' | 'marks'>;

/**
 * Fetches the first replica as one package, which takes one round trip and fewer bytes than replication, and applies
 * it as it comes: the line is the server's own, and each section bears its signature. The replicator goes on from the
 * sequence that is reached; when the package breaks off, from the beginning.
 * @returns undefined when the server makes none for this node. @throws SyncError when the line fails.
 */
export async function fetchFirstReplica(
  { line, marks, ...target }: Parts,
  receiver: Receiver,
  known: KnownRevisions,
  { signal, begun, progress, log }: FetchHooks & { log: FastifyBaseLogger },
): Promise<FirstReplica | undefined> {
  try {
    const reading = await readPackage(await line.download(signal), receiver);
    const { through } = reading.manifest;
    begun(through);
    const written = await writeBatches(target, reading.batches, known, progress);
    reading.end();
    marks.since = through;
    marks.importedSince = through;
    marks.isPartial = false;
    marks.lastPullAt = new Date().toISOString();
    return { packageId: reading.manifest.packageId, kind: reading.manifest.kind, written };
  } catch (error) {
    if (!(error instanceof SyncError) || error.code === 'unreachable') throw error;
    log.info({ reason: messageOf(error) }, 'the first replica does not come as a package');
    return undefined;
  }
}
