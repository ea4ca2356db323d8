import { createHash, randomBytes } from 'node:crypto';
import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import { bytesOf, concat } from '../../replication/package/bytes.ts';
import { type Identity, makeIdentity, recipientOf } from '../../replication/package/keys.ts';
import type { Manifest } from '../../replication/package/manifest.ts';
import { type Receiver, readPackage } from '../../replication/package/read.ts';
import { type RevisionLine, writePackage } from '../../replication/package/write.ts';
import { makeKey, type PrivateKey, publicKeyOf } from '../../replication/signing.ts';

/** A sender and a receiver that know each other, and packages between them, in memory. */
export interface Parcel {
  identity: Identity;
  recipient: string;
  signing: PrivateKey;
  receiver: Receiver;
  pack(docs: Iterable<StoredDocument>, changed?: PackOptions): Promise<Uint8Array>;
  /** Reads all of it. @throws SyncError when it is bad. */
  unpack(
    file: Uint8Array | AsyncIterable<Uint8Array>,
    changed?: Partial<Receiver>,
  ): Promise<StoredDocument[]>;
}

interface PackOptions {
  manifest?: Partial<Manifest>;
  signing?: PrivateKey;
  recipients?: string[];
}

export async function createParcel(centerId = 'LAG-001'): Promise<Parcel> {
  const identity = makeIdentity();
  const recipient = recipientOf(identity);
  const signing = makeKey();
  const receiver: Receiver = {
    identity,
    recipient,
    centerId,
    kinds: ['download', 'receipts', 'snapshot'],
    trusted: [publicKeyOf(makeKey()), publicKeyOf(signing)],
  };
  return {
    identity,
    recipient,
    signing,
    receiver,
    async pack(docs, { manifest, ...keys } = {}) {
      const content = {
        manifest: { ...manifestOf(centerId), ...manifest },
        revisions: linesOf(docs),
      };
      return gather(writePackage(content, { signing, recipients: [recipient], ...keys }));
    },
    async unpack(file, changed) {
      const reading = await readPackage(file instanceof Uint8Array ? chunksOf(file) : file, {
        ...receiver,
        ...changed,
      });
      const docs: StoredDocument[] = [];
      for await (const batch of reading.batches) docs.push(...batch);
      reading.end();
      return docs;
    },
  };
}

export function manifestOf(centerId: string): Manifest {
  return {
    kind: 'download',
    centerId,
    packageId: randomBytes(16).toString('hex'),
    madeBy: 'server test',
    madeAt: new Date().toISOString(),
    since: '0',
    through: '7-index',
  };
}

/** The document as the first revision of itself. */
export function firstRevision(doc: StoredDocument): StoredDocument {
  const hash = createHash('md5').update(JSON.stringify(doc)).digest('hex');
  return { ...doc, _rev: `1-${hash}`, _revisions: { start: 1, ids: [hash] } };
}

export async function* linesOf(docs: Iterable<StoredDocument>): AsyncGenerator<RevisionLine> {
  for (const doc of docs) yield { id: doc._id, json: JSON.stringify(doc) };
}

export async function gather(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for await (const part of stream) parts.push(bytesOf(part));
  return concat(parts);
}

/** In pieces that fit with no boundary of the format. */
export async function* chunksOf(file: Uint8Array, length = 50_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += length) yield file.subarray(at, at + length);
}

/** What reading says of a bad package: `<code>: <reason>`; `undefined` when it was read. */
export async function refusalOf(reading: Promise<unknown>): Promise<string | undefined> {
  try {
    await reading;
    return undefined;
  } catch (error) {
    if (error instanceof SyncError) return error.message;
    throw error;
  }
}
