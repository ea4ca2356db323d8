import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredDocument } from '../../replication/documents.ts';
import { messageOf } from '../../replication/errors.ts';
import { parseId } from '../../replication/ids.ts';
import { type Manifest, makePackageId, type Refusal } from '../../replication/package/manifest.ts';
import { type StagedPackage, stagePackage } from '../../replication/package/staged.ts';
import type { RevisionLine } from '../../replication/package/write.ts';
import { receiptId } from '../../replication/receipt.ts';
import { revisionsByDocument } from '../../replication/revisions.ts';
import { failureOnRecord } from '../control/on-record.ts';
import type { ServerParts } from '../parts.ts';
import { revsDiff } from '../replica/revs-diff.ts';
import { createCenterView } from '../replica/view.ts';
import type { WriteForCenter } from '../replica/writes.ts';
import { type Asker, type PackageFile, packageFile } from './download.ts';

/** What an import of a center's package has done. */
export interface UploadReport {
  packageId: string;
  /** The instance id of the node that made it. */
  nodeId: string;
  madeAt: string;
  documents: number;
  revisions: number;
  counts: Record<string, number>;
  /** Revisions that the hub did not have before. */
  written: number;
  refused: Refusal[];
}

interface Uploaded {
  report: UploadReport;
  /** The package that tells the center what has arrived. */
  receipts: PackageFile;
}

const NODE = /^node (.+)$/;

/**
 * Takes a center's package in, by the rules that hold for what it pushes by line; what is refused is in quarantine.
 * The package is checked as a whole before anything is written. @throws SyncError that names what is wrong with it.
 */
export async function takeUpload(
  parts: ServerParts,
  write: WriteForCenter,
  centerId: string,
  source: AsyncIterable<Uint8Array>,
  asker: Asker,
): Promise<Uploaded> {
  const { packages, operations, audit } = parts;
  const file = join(packages.folder, `${randomUUID()}.cbtpkg`);
  const act = { action: 'package.imported', ...asker, centerId };
  const take = async (): Promise<Uploaded> => {
    const { identity, recipient } = packages;
    const trusted = packages.signers(centerId);
    const receiver = { identity, recipient, centerId, trusted, kinds: ['results'] as const };
    const staged = await stagePackage(source, file, receiver);
    const applied = await apply(parts, write, centerId, staged);
    const report = reportOf(staged, applied);
    operations.checkpoint(centerId, 'upload');
    await audit.append({ ...act, details: { ...report } });
    return { report, receipts: await makeReceipts(parts, staged, applied, asker) };
  };
  try {
    return await failureOnRecord(parts, { ...act, details: {} }, take);
  } catch (error) {
    operations.failed(centerId, 'upload', messageOf(error));
    throw error;
  } finally {
    await rm(file, { force: true });
  }
}

interface Applied {
  written: number;
  refused: Refusal[];
  /** The ids of the receipts for the results in the package. */
  receiptIds: string[];
}

async function apply(
  parts: ServerParts,
  write: WriteForCenter,
  centerId: string,
  { manifest, batches }: StagedPackage,
): Promise<Applied> {
  const applied: Applied = { written: 0, refused: [], receiptIds: [] };
  await parts.feed.fresh();
  for await (const docs of batches()) {
    const missing = await missingOf(parts, centerId, docs);
    const outcomes = await write(centerId, missing, { newEdits: false });
    for (const [index, outcome] of outcomes.entries()) {
      const { _id: id, _rev: rev = '' } = missing[index] as StoredDocument;
      if ('ok' in outcome) applied.written += 1;
      else applied.refused.push({ id, rev, reason: outcome.reason });
    }
    for (const { _id, _rev, _deleted } of docs) {
      const key = parseId(_id);
      if (key?.type !== 'result' || _deleted) continue;
      applied.receiptIds.push(receiptId(centerId, key.key, _rev as string));
    }
  }
  const nodeId = nodeOf(manifest);
  if (manifest.reached !== undefined) await parts.packages.reached(centerId, nodeId, manifest.reached);
  return applied;
}

async function missingOf(
  parts: ServerParts,
  centerId: string,
  docs: StoredDocument[],
): Promise<StoredDocument[]> {
  const diff = await revsDiff(parts, centerId, revisionsByDocument(docs));
  return docs.filter(({ _id, _rev }) => diff[_id]?.missing.includes(_rev as string));
}

/** The receipts of the package's results, and what was refused of it. */
async function makeReceipts(
  parts: ServerParts,
  { manifest }: StagedPackage,
  { refused, receiptIds }: Applied,
  asker: Asker,
): Promise<PackageFile> {
  const { centerId } = manifest;
  await parts.feed.fresh();
  await parts.exam.settle(centerId);
  await parts.feed.fresh();
  const { updateSeq } = parts.feed.info(centerId);
  const content = {
    manifest: {
      kind: 'receipts' as const,
      centerId,
      packageId: makePackageId(),
      madeBy: `server ${parts.uuid}`,
      madeAt: new Date().toISOString(),
      since: updateSeq,
      through: updateSeq,
      confirms: {
        packageId: manifest.packageId,
        nodeId: nodeOf(manifest),
        through: manifest.through,
      },
      refused,
    },
    revisions: readReceipts(parts, centerId, receiptIds),
  };
  return packageFile(parts, content, asker);
}

async function* readReceipts(
  parts: ServerParts,
  centerId: string,
  ids: readonly string[],
): AsyncGenerator<RevisionLine> {
  const READ_AT_ONCE = 100;
  const view = createCenterView(parts);
  for (let from = 0; from < ids.length; from += READ_AT_ONCE) {
    const asked = ids.slice(from, from + READ_AT_ONCE);
    const options = { revs: true, latest: true, attachments: false };
    const texts = await view.read(
      centerId,
      asked.map((id) => ({ id })),
      options,
    );
    for (const [index, json] of texts.entries()) {
      // A result that was refused has none.
      if (json !== undefined) yield { id: asked[index] as string, json };
    }
  }
}

function nodeOf({ madeBy }: Manifest): string {
  return NODE.exec(madeBy)?.[1] ?? '';
}

function reportOf({ manifest, end }: StagedPackage, { written, refused }: Applied): UploadReport {
  const { packageId, madeAt } = manifest;
  const { documents, revisions, counts } = end;
  return { packageId, nodeId: nodeOf(manifest), madeAt, documents, revisions, counts, written, refused };
}
