import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { areEqual, type ByteReader, type Bytes, bytesOf, concat, createByteReader } from './bytes.ts';

import type { Identity, Recipient } from './keys.ts';

/**
 * Encryption in the age format (https://age-encryption.org/v1), as streams. The header is the library's; the payload,
 * which the library makes in JavaScript, is made here with Node's own ChaCha20-Poly1305, fourteen times as fast.
 * The library is loaded with the first package: most runs of a server or a node see none.
 */

const library = () => import('age-encryption');

/** Loads what the first package would have to wait for, so that it is there when one is asked for. */
export async function prepareAge(): Promise<void> {
  await library();
}

/** Why something could not be decrypted. */
export class DecryptionError extends Error {
  /** `recipient`: it is encrypted to other keys only. `altered`: `last` says whether in the last of its chunks. */
  readonly why: 'header' | 'recipient' | 'altered';
  readonly last: boolean;

  constructor(why: DecryptionError['why'], options: ErrorOptions & { last?: boolean } = {}) {
    super(`age: ${why}`, options);
    this.name = 'DecryptionError';
    this.why = why;
    this.last = options.last ?? false;
  }
}

const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const PAYLOAD_NONCE_BYTES = 16;
/** Of a header: one recipient takes about 100 bytes. */
const HEADER_LIMIT_BYTES = 64 * 1024;
const HEADER_LINE_LIMIT_BYTES = 256;
const CIPHER = 'chacha20-poly1305';

/** Encrypts to all of the recipients; each of them can read it alone. */
export async function* encrypt(
  source: AsyncIterable<Uint8Array>,
  recipients: readonly Recipient[],
): AsyncGenerator<Bytes> {
  const { header, fileKey } = await makeHeader(recipients);
  const payloadNonce = bytesOf(randomBytes(PAYLOAD_NONCE_BYTES));
  yield header;
  yield payloadNonce;
  const key = payloadKey(fileKey, payloadNonce);
  await using reader = createByteReader(source);
  for (let counter = 0; ; counter += 1) {
    const chunk = await reader.bytes(CHUNK_BYTES);
    const isLast = await reader.atEnd();
    const cipher = createCipheriv(CIPHER, key, chunkNonce(counter, isLast), { authTagLength: TAG_BYTES });
    yield bytesOf(cipher.update(chunk));
    cipher.final();
    yield bytesOf(cipher.getAuthTag());
    if (isLast) return;
  }
}

/** Decrypts; each chunk is authenticated before it is handed out. @throws DecryptionError. */
export async function* decrypt(source: AsyncIterable<Uint8Array>, identity: Identity): AsyncGenerator<Bytes> {
  await using reader = createByteReader(source);
  const fileKey = await readHeader(reader, identity);
  const payloadNonce = await reader.bytes(PAYLOAD_NONCE_BYTES);
  if (payloadNonce.length < PAYLOAD_NONCE_BYTES) throw new DecryptionError('altered', { last: true });
  const key = payloadKey(fileKey, payloadNonce);
  for (let counter = 0; ; counter += 1) {
    const chunk = await reader.bytes(CHUNK_BYTES + TAG_BYTES);
    const isLast = await reader.atEnd();
    const plain = openChunk(chunk, key, counter, isLast);
    // Only a payload that is empty altogether may end with an empty chunk.
    if (plain.length === 0 && counter > 0) throw new DecryptionError('altered', { last: true });
    yield plain;
    if (isLast) return;
  }
}

function openChunk(chunk: Bytes, key: Bytes, counter: number, isLast: boolean): Bytes {
  if (chunk.length < TAG_BYTES) throw new DecryptionError('altered', { last: true });
  const decipher = createDecipheriv(CIPHER, key, chunkNonce(counter, isLast), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(chunk.subarray(-TAG_BYTES));
  const plain = bytesOf(decipher.update(chunk.subarray(0, -TAG_BYTES)));
  try {
    decipher.final();
  } catch (cause) {
    throw new DecryptionError('altered', { cause, last: isLast });
  }
  return plain;
}

async function makeHeader(recipients: readonly Recipient[]): Promise<{ header: Bytes; fileKey: Bytes }> {
  const { Encrypter } = await library();
  const encrypter = new Encrypter();
  let fileKey: Bytes | undefined;
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  // One that adds nothing to the header: it is told the key of the file.
  encrypter.addRecipient({
    wrapFileKey(key) {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  const empty = bytesOf(await encrypter.encrypt(''));
  return {
    header: empty.subarray(0, empty.length - PAYLOAD_NONCE_BYTES - TAG_BYTES),
    fileKey: fileKey as Bytes,
  };
}

async function readHeader(reader: ByteReader, identity: Identity): Promise<Bytes> {
  const { Decrypter } = await library();
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const header = await headerOf(reader);
  try {
    return bytesOf(await decrypter.decryptHeader(header));
  } catch (cause) {
    const isForOthers = cause instanceof Error && cause.message.startsWith('no identity matched');
    throw new DecryptionError(isForOthers ? 'recipient' : 'header', { cause });
  }
}

/** The header up to its end, `--- <MAC>`, whatever else the lines hold. */
async function headerOf(reader: ByteReader): Promise<Bytes> {
  const lines: Bytes[] = [];
  for (let length = 0; length < HEADER_LIMIT_BYTES; ) {
    const line = await reader.line(HEADER_LINE_LIMIT_BYTES);
    if (!line) break;
    lines.push(line);
    length += line.length;
    if (areEqual(line.subarray(0, HEADER_END.length), HEADER_END)) return concat(lines);
  }
  throw new DecryptionError('header');
}

const HEADER_END = new TextEncoder().encode('--- ');

function payloadKey(fileKey: Bytes, nonce: Bytes): Bytes {
  return new Uint8Array(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
}

/** Eleven bytes of counter, and one that marks the last chunk. */
function chunkNonce(counter: number, isLast: boolean): Bytes {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(counter, 5, 6);
  nonce[11] = isLast ? 1 : 0;
  return bytesOf(nonce);
}
