import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { z } from 'zod';
import { SyncError } from '../errors.ts';
import { isSignedBy, type PrivateKey, type PublicKey, signDocument } from '../signing.ts';
import { type ByteReader, type Bytes, bytesOf, textOf } from './bytes.ts';
import { damaged, sha256 } from './manifest.ts';

/**
 * What is inside the encryption: sections, each a line of JSON and then its bytes, zstd. The line is signed by the
 * sender and names the package, its own number and the SHA-256 of its bytes; so a section counts as the sender's word
 * as soon as it is read, and none can be altered, moved, left out or taken from another package.
 */
export type SectionKind = 'manifest' | 'revisions' | 'end';

/** A section's bytes, not compressed; what a document may take at most with all its attachments. */
export const SECTION_LIMIT_BYTES = 64 << 20;
const LINE_LIMIT_BYTES = 4096;
/** Measured: smaller than level 3 over the whole, which windows of one section alone would not be. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 7 } };

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

const lineSchema = z.strictObject({
  section: z.int().positive(),
  kind: z.enum(['manifest', 'revisions', 'end']),
  /** Of the section, and as they are stored. */
  bytes: z.int().nonnegative(),
  stored: z.int().nonnegative(),
  sha256: z.string(),
  keyId: z.string(),
  signature: z.string(),
});

export interface Section {
  kind: SectionKind;
  text: string;
}

/** Of which package: the SHA-256 of its first line. */
type PackageHash = string;

export async function writeSection(
  of: PackageHash,
  number: number,
  kind: SectionKind,
  text: string,
  key: PrivateKey,
): Promise<Bytes[]> {
  const content = new TextEncoder().encode(text);
  const stored = bytesOf(await compress(content, COMPRESSION));
  const fields = {
    section: number,
    kind,
    bytes: content.length,
    stored: stored.length,
    sha256: sha256(stored),
  };
  const { keyId, signature } = signDocument({ package: of, ...fields }, key);
  return [new TextEncoder().encode(`${JSON.stringify({ ...fields, keyId, signature })}\n`), stored];
}

/**
 * Reads the next section; nothing of it is unpacked before the sender is known.
 * @throws SyncError package_untrusted, package_damaged.
 */
export async function readSection(
  reader: ByteReader,
  of: PackageHash,
  number: number,
  trusted: readonly PublicKey[],
): Promise<Section> {
  const line = await readLine(reader, number);
  const { section, kind, bytes, stored, keyId, signature } = line;
  const signed = { package: of, section, kind, bytes, stored, sha256: line.sha256, keyId, signature };
  if (!trusted.some((key) => isSignedBy(signed, key))) throw forged(keyId, number);
  if (section !== number) throw damaged(`section ${section} stands where section ${number} should`);
  if (bytes > SECTION_LIMIT_BYTES || stored > SECTION_LIMIT_BYTES) throw tooLarge(number, bytes);
  const content = await reader.bytes(stored);
  if (sha256(content) !== line.sha256) throw damaged(`section ${number} is not what was signed`);
  return { kind, text: textOf(await unpack(content, bytes, number)) };
}

async function readLine(reader: ByteReader, number: number): Promise<z.infer<typeof lineSchema>> {
  const line = await reader.line(LINE_LIMIT_BYTES);
  try {
    return lineSchema.parse(JSON.parse(line ? textOf(line) : ''));
  } catch (cause) {
    throw damaged(`section ${number} does not begin as one`, cause);
  }
}

/** Unpacks exactly as many bytes as the sender has signed for. */
async function unpack(stored: Bytes, bytes: number, number: number): Promise<Bytes> {
  const content = await decompress(stored, { maxOutputLength: Math.max(bytes, 1) }).catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(number, bytes, cause);
      throw damaged(`section ${number} cannot be unpacked`, cause);
    },
  );
  if (content.length !== bytes) throw damaged(`section ${number} is shorter than it says`);
  return bytesOf(content);
}

function forged(keyId: string, number: number): SyncError {
  return new SyncError(
    'package_untrusted',
    `section ${number} of the package is not signed by a key known here, though it names key ${keyId}`,
  );
}

function tooLarge(number: number, bytes: number, cause?: unknown): SyncError {
  return new SyncError(
    'package_untrusted',
    `section ${number} of the package unpacks to more than it may (it says ${bytes} bytes): a zip bomb`,
    { cause },
  );
}
