import { messageOf, SyncError } from '../../replication/errors.ts';
import { COMMON_PARTITION, centerPartition, partitionOf, testPartition } from '../../replication/ids.ts';
import {
  type Manifest,
  makePackageId,
  type PackageEnd,
  type PackageKind,
} from '../../replication/package/manifest.ts';
import { type PackageContent, type RevisionLine, writePackage } from '../../replication/package/write.ts';
import type { Act } from '../control/audit.ts';
import { failureOnRecord } from '../control/on-record.ts';
import type { FeedRow } from '../feed/feed.ts';
import type { ServerParts } from '../parts.ts';
import { createCenterView } from '../replica/view.ts';
import { type Since, sequenceFor } from './since.ts';

interface DownloadRequest {
  kind: Extract<PackageKind, 'download' | 'snapshot'>;
  since: Since;
  /** Only these tests; absent for the center's whole scope. */
  tests?: string[] | undefined;
}

const MADE = 'package.made';

/** Who asks for something, for the audit log. */
export interface Asker {
  actor: string;
  from: string;
}

/** A package that is being made: its name, and its bytes as they are asked for. */
export interface PackageFile {
  name: string;
  bytes: AsyncIterable<Uint8Array>;
}

/**
 * A center's documents as a package, for all of its nodes; on record also when it is refused.
 * @throws SyncError bad_request, conflict when no node of the center has registered its key.
 */
export async function makeDownload(
  parts: ServerParts,
  centerId: string,
  request: DownloadRequest,
  asker: Asker,
): Promise<PackageFile> {
  const act = { action: MADE, ...asker, centerId, details: { kind: request.kind } };
  const prepare = () => prepareDownload(parts, centerId, request, asker);
  try {
    return await failureOnRecord(parts, act, prepare);
  } catch (error) {
    parts.operations.failed(centerId, 'download', messageOf(error));
    throw error;
  }
}

async function prepareDownload(
  parts: ServerParts,
  centerId: string,
  request: DownloadRequest,
  asker: Asker,
): Promise<PackageFile> {
  const { feed, uuid } = parts;
  await feed.fresh();
  expectAssigned(parts, centerId, request.tests);
  const since = request.kind === 'snapshot' ? '0' : await sequenceFor(parts, centerId, request.since);
  const { end, batches } = feed.changes(centerId, since);
  const manifest: Manifest = {
    kind: request.kind,
    centerId,
    packageId: makePackageId(),
    madeBy: `server ${uuid}`,
    madeAt: new Date().toISOString(),
    since,
    through: end,
    ...(request.tests === undefined ? {} : { tests: request.tests }),
  };
  const isWanted = wantedBy(centerId, request.tests);
  return packageFile(parts, { manifest, revisions: leaves(parts, centerId, batches, isWanted) }, asker);
}

/** @throws SyncError bad_request: a package that silently lacks a test would be missed on the day of the exam. */
function expectAssigned({ feed }: ServerParts, centerId: string, tests: string[] = []): void {
  const foreign = tests.filter((testId) => feed.assignment(centerId, testId) !== 'assigned');
  if (foreign.length === 0) return;
  throw new SyncError('bad_request', `not assigned to ${centerId}: ${foreign.join(', ')}`);
}

/** Seals content for a center, and has it in the audit log when it is made, or when its reader leaves before its end. */
export function packageFile(parts: ServerParts, content: PackageContent, asker: Asker): PackageFile {
  const { packages, operations, audit, log } = parts;
  const { kind, centerId, packageId, madeAt, since, through, tests } = content.manifest;
  const recipients = packages.recipients(centerId, content.manifest.confirms?.nodeId);
  if (recipients.length === 0) {
    throw new SyncError('conflict', `no node of center ${centerId} has registered a key for packages yet`);
  }
  let isMade = false;
  const ended = ({ documents, revisions }: PackageEnd): void => {
    isMade = true;
    if (kind !== 'receipts') {
      operations.transferred(centerId, 'download', { records: documents });
      operations.checkpoint(centerId, 'download');
    }
    const details = { packageId, kind, since, through, tests, documents, revisions, recipients };
    note({ details });
  };
  const note = (act: Pick<Act, 'details' | 'outcome'>): void =>
    void audit
      .append({ action: MADE, ...asker, centerId, ...act })
      .catch((error) => log.error({ err: error, packageId }, 'a package is not in the audit log'));
  const left = (): void => {
    if (isMade) return;
    const reason = 'it broke off before its end';
    if (kind !== 'receipts') operations.failed(centerId, 'download', reason);
    note({ outcome: 'failed', details: { packageId, kind, since, through, reason } });
  };
  const name = `${centerId}-${kind}-${madeAt.slice(0, 10)}-${packageId.slice(0, 8)}.cbtpkg`;
  const bytes = writePackage(content, { signing: packages.signing, recipients }, ended);
  return { name, bytes: untilLeft(bytes, left) };
}

async function* untilLeft(bytes: AsyncIterable<Uint8Array>, left: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } finally {
    left();
  }
}

function wantedBy(centerId: string, tests: string[] | undefined): (id: string) => boolean {
  if (tests === undefined) return () => true;
  const partitions = new Set([COMMON_PARTITION, centerPartition(centerId), ...tests.map(testPartition)]);
  return (id) => partitions.has(partitionOf(id));
}

/** All leaves of the rows' documents; one that has changed since is sent as it is now, and comes again. */
async function* leaves(
  parts: ServerParts,
  centerId: string,
  batches: AsyncIterable<FeedRow[]>,
  isWanted: (id: string) => boolean,
): AsyncGenerator<RevisionLine> {
  const view = createCenterView(parts);
  const options = { revs: true, latest: true, attachments: true };
  for await (const batch of batches) {
    const asked = batch
      .filter(({ id }) => isWanted(id))
      .flatMap(({ id, revs }) => revs.map((rev) => ({ id, rev })));
    const texts = await view.read(centerId, asked, options);
    for (const [index, json] of texts.entries()) {
      const id = asked[index]?.id as string;
      if (json !== undefined) yield { id, json };
    }
  }
}
