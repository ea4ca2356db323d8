import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { Dicer } from '@fastify/busboy';
import type { AttachmentStub, StoredDocument } from './documents.ts';
import { SyncError } from './errors.ts';

/** Documents with attachments as CouchDB's replicator sends and asks for them: RFC 2387 multipart. */

const NEWLINE = '\r\n';
/** PouchDB's types declare a `Buffer` of their own, which Node's `concat` does not take as it is. */
const concat = (pieces: Buffer[]): Buffer => Buffer.concat(pieces as unknown as Uint8Array[]);

interface Part {
  headers: Record<string, string[]>;
  data: Buffer;
}

/**
 * Reads a `multipart/related` document: first the JSON, then the attachments it announces with `follows`, by file name
 * or else in their order. @throws SyncError bad_request when parts are missing or the body breaks off, too_large.
 */
export async function readRelated(
  contentType: string,
  body: Readable,
  limitBytes: number,
): Promise<StoredDocument> {
  const [first, ...rest] = await readParts(boundaryOf(contentType), body, limitBytes);
  if (!first) throw new SyncError('bad_request', 'the multipart body has no document');
  const doc = parseJson(first.data);
  const following = Object.entries(doc._attachments ?? {}).filter(([, stub]) => stub.follows);
  for (const [index, [name, stub]] of following.entries()) {
    const part = rest.find((candidate) => fileName(candidate) === name) ?? rest[index];
    if (!part) throw new SyncError('bad_request', `attachment ${name} is announced but not sent`);
    (doc._attachments as Record<string, AttachmentStub>)[name] = received(name, stub, part.data, limitBytes);
  }
  return doc;
}

/** An announced attachment with its data. CouchDB sends text gzipped, as it keeps it, and says so in the stub. */
function received(name: string, stub: AttachmentStub, data: Buffer, limitBytes: number): AttachmentStub {
  const { follows: _, length, digest: _d, encoding, encoded_length: encodedLength, ...kept } = stub;
  const sent = encoding === undefined ? length : encodedLength;
  if (sent !== undefined && sent !== data.length) {
    throw new SyncError('bad_request', `attachment ${name} is cut: ${data.length} of ${sent} bytes`);
  }
  if (encoding === undefined) return { ...kept, data: data.toString('base64') };
  if (encoding !== 'gzip') throw new SyncError('bad_request', `attachment ${name} is encoded as ${encoding}`);
  try {
    const bytes = gunzipSync(data as unknown as Uint8Array<ArrayBuffer>, { maxOutputLength: limitBytes });
    return { ...kept, data: bytes.toString('base64') };
  } catch (cause) {
    throw new SyncError('bad_request', `attachment ${name} is not the gzip it says it is`, { cause });
  }
}

function boundaryOf(contentType: string): string {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (!boundary) throw new SyncError('bad_request', 'the multipart content type has no boundary');
  return boundary;
}

function parseJson(data: Buffer): StoredDocument {
  try {
    return JSON.parse(data.toString('utf8')) as StoredDocument;
  } catch (cause) {
    throw new SyncError('bad_request', 'the document of the multipart body is not JSON', { cause });
  }
}

function fileName({ headers }: Part): string | undefined {
  return /filename="((?:[^"\\]|\\.)*)"/.exec(headers['content-disposition']?.[0] ?? '')?.[1];
}

function readParts(boundary: string, body: Readable, limitBytes: number): Promise<Part[]> {
  const { promise, resolve, reject } = Promise.withResolvers<Part[]>();
  const parts: Part[] = [];
  const fail = (cause: Error): void =>
    reject(new SyncError('bad_request', `the multipart body is broken: ${cause.message}`, { cause }));
  const dicer = new Dicer({ boundary });
  dicer.on('part', (stream) => {
    const chunks: Buffer[] = [];
    const part: Part = { headers: {}, data: Buffer.alloc(0) };
    parts.push(part);
    stream.on('header', (headers) => {
      part.headers = headers as Record<string, string[]>;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', fail);
    stream.on('end', () => {
      part.data = concat(chunks);
    });
  });
  dicer.on('finish', () => resolve(parts));
  dicer.on('error', fail);
  body.on('error', fail);
  let received = 0;
  body.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received <= limitBytes) return;
    body.unpipe(dicer);
    reject(new SyncError('too_large', 'the request entity is too large'));
  });
  body.pipe(dicer);
  return promise;
}

/** One answer to `open_revs`: a document (attachments as buffers), or a revision that is missing. */
export type LeafAnswer = { ok: StoredDocument } | { missing: string };

/** `multipart/mixed` of leaves; a leaf with attachments is a `multipart/related` part of its own. */
export function writeMixed(answers: readonly LeafAnswer[]): { contentType: string; body: Buffer } {
  const boundary = newBoundary();
  const parts = answers.map((answer) => {
    if ('missing' in answer) return jsonPart(answer, 'application/json; error="true"');
    const attachments = Object.entries(answer.ok._attachments ?? {});
    if (attachments.length === 0) return jsonPart(answer.ok, 'application/json');
    const { contentType, body } = writeRelated(answer.ok);
    return concat([Buffer.from(`Content-Type: ${contentType}${NEWLINE}${NEWLINE}`), body]);
  });
  return { contentType: `multipart/mixed; boundary="${boundary}"`, body: join(boundary, parts) };
}

/** `multipart/related` of a document whose attachments are buffers. */
export function writeRelated(doc: StoredDocument): { contentType: string; body: Buffer } {
  const boundary = newBoundary();
  const announced: Record<string, object> = {};
  const parts: Buffer[] = [];
  for (const [name, { data, stub: _stub, ...attachment }] of Object.entries(doc._attachments ?? {})) {
    const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data ?? '', 'base64');
    announced[name] = { ...attachment, length: bytes.length, follows: true };
    const head = [
      `Content-Disposition: attachment; filename="${name.replaceAll(/["\\]/g, '\\$&')}"`,
      `Content-Type: ${attachment.content_type}`,
      `Content-Length: ${bytes.length}`,
    ];
    parts.push(concat([Buffer.from(head.join(NEWLINE) + NEWLINE + NEWLINE), bytes]));
  }
  const document = jsonPart({ ...doc, _attachments: announced }, 'application/json');
  return {
    contentType: `multipart/related; boundary="${boundary}"`,
    body: join(boundary, [document, ...parts]),
  };
}

function newBoundary(): string {
  return randomBytes(16).toString('hex');
}

function jsonPart(value: object, contentType: string): Buffer {
  return Buffer.from(`Content-Type: ${contentType}${NEWLINE}${NEWLINE}${JSON.stringify(value)}`);
}

function join(boundary: string, parts: Buffer[]): Buffer {
  const open = Buffer.from(`--${boundary}${NEWLINE}`);
  const next = Buffer.from(NEWLINE);
  const pieces = parts.flatMap((part) => [open, part, next]);
  return concat([...pieces, Buffer.from(`--${boundary}--`)]);
}
