import type { z } from 'zod';
import type { StoredDocument } from '../documents.ts';
import { SyncError } from '../errors.ts';
import { isObject } from '../json.ts';
import { parseRevision } from '../revisions.ts';
import type { PublicKey } from '../signing.ts';
import { DecryptionError, decrypt } from './age.ts';
import { areEqual, type ByteReader, type Bytes, concat, createByteReader } from './bytes.ts';
import type { Identity, Recipient } from './keys.ts';
import {
  damaged,
  END_MARK,
  endSchema,
  HEAD_LIMIT_BYTES,
  MAGIC_BYTES,
  type Manifest,
  manifestSchema,
  type PackageEnd,
  type PackageHead,
  type PackageKind,
  parseHead,
  sha256,
} from './manifest.ts';
import { readSection, type Section } from './section.ts';

/** Who reads, and what is acceptable. */
export interface Receiver {
  identity: Identity;
  /** Of the same key. */
  recipient: Recipient;
  centerId: string;
  kinds: readonly PackageKind[];
  /** Whose packages are read. */
  trusted: readonly PublicKey[];
  now?: () => Date;
}

/**
 * A package as it is read. Whatever is handed out bears the sender's signature; but only after `end` is it known that
 * nothing is missing, so who applies it piece by piece must be able to do without the rest.
 */
export interface PackageReading {
  readonly manifest: Manifest;
  /** The revisions in batches; to be read once. @throws SyncError when the package is bad. */
  readonly batches: AsyncIterable<StoredDocument[]>;
  /** What the whole holds. @throws TypeError before the batches have come to their end. */
  end(): PackageEnd;
}

/** A sender's clock may be wrong by as much. */
const CLOCK_TOLERANCE_MS = 24 * 3600 * 1000;

/**
 * Opens a package as far as its manifest. Reading the batches, or leaving them, closes the source.
 * @throws SyncError not_a_package, package_misdirected, package_untrusted, package_damaged, package_out_of_order.
 */
export async function readPackage(
  source: AsyncIterable<Uint8Array>,
  receiver: Receiver,
): Promise<PackageReading> {
  const file = createByteReader(source);
  try {
    const { line, head } = await readHead(file, receiver);
    const sections = openSections(file, sha256(line), receiver);
    const manifest = await readManifest(sections, head, receiver);
    let end: PackageEnd | undefined;
    return {
      manifest,
      batches: readBatches(sections, (found) => {
        end = found;
      }),
      end() {
        if (!end) throw new TypeError('the package has not been read to its end');
        return end;
      },
    };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

/** The first line. @throws SyncError not_a_package, package_damaged, package_misdirected. */
export async function readHead(
  file: ByteReader,
  receiver: Receiver,
): Promise<{ line: Bytes; head: PackageHead }> {
  const line = await file.line(HEAD_LIMIT_BYTES);
  const head = parseHead(line, line ?? (await file.bytes(MAGIC_BYTES)));
  checkReceiver(head, receiver);
  return { line: line as Bytes, head };
}

function checkReceiver(head: PackageHead, { centerId, kinds, recipient }: Receiver): void {
  if (head.centerId !== centerId) {
    throw misdirected(`the package is for center ${head.centerId}, and this is ${centerId}`);
  }
  if (!kinds.includes(head.kind)) {
    throw misdirected(`a ${head.kind} package is not for here; what is taken: ${kinds.join(', ')}`);
  }
  if (head.to.includes(recipient)) return;
  throw misdirected(`the package is encrypted to ${head.to.join(', ')}, and the key here is ${recipient}`);
}

/** The sections in order; ends after the last one, which must be the end of the file. */
async function* openSections(
  file: ByteReader,
  packageHash: string,
  { identity, trusted }: Receiver,
): AsyncGenerator<Section, void> {
  const body = withoutEndMark(file);
  try {
    await using reader = createByteReader(decrypt(body.bytes, identity));
    for (let number = 1; ; number += 1) {
      const section = await readSection(reader, packageHash, number, trusted);
      yield section;
      if (section.kind === 'end') break;
    }
    if ((await reader.bytes(1)).length > 0) throw damaged('something follows its end');
    if (!body.isWhole()) throw damaged('its last bytes were altered');
  } catch (error) {
    throw error instanceof DecryptionError ? explain(error, body.isWhole) : error;
  }
}

function explain(error: DecryptionError, isWhole: () => boolean): SyncError {
  if (error.why === 'recipient') return damaged('it is not encrypted to those it names', error);
  if (error.why === 'header')
    return damaged('what its encryption begins with was altered, or is cut short', error);
  if (!error.last) return damaged('it was altered', error);
  return isWhole()
    ? damaged('it was altered near its end', error)
    : damaged('it is cut short, or something was added to its end', error);
}

/** All but the mark at the end; whether that was there is known after the last byte. */
function withoutEndMark(file: ByteReader): { bytes: AsyncIterable<Bytes>; isWhole(): boolean } {
  let held: Bytes = new Uint8Array();
  async function* bytes(): AsyncGenerator<Bytes> {
    try {
      for await (const next of file.rest()) {
        const both = next.length < END_MARK.length ? concat([held, next]) : next;
        if (both === next && held.length > 0) yield held;
        const length = Math.max(both.length - END_MARK.length, 0);
        if (length > 0) yield both.subarray(0, length);
        held = both.subarray(length);
      }
    } finally {
      await file[Symbol.asyncDispose]();
    }
  }
  return { bytes: bytes(), isWhole: () => areEqual(held, END_MARK) };
}

async function readManifest(
  sections: AsyncIterator<Section, void>,
  head: PackageHead,
  { now = () => new Date() }: Receiver,
): Promise<Manifest> {
  const { value: section } = await sections.next();
  if (section?.kind !== 'manifest') throw damaged('it does not begin with its manifest');
  const manifest = parseJson(manifestSchema, section.text, 'manifest');
  const { kind, centerId, packageId, madeAt } = manifest;
  if (kind !== head.kind || centerId !== head.centerId || packageId !== head.packageId) {
    throw damaged('its manifest is not that of its first line');
  }
  const here = now();
  if (Date.parse(madeAt) > here.getTime() + CLOCK_TOLERANCE_MS) {
    throw new SyncError(
      'package_out_of_order',
      `the package is from the future: made ${madeAt}, and the clock here says ${here.toISOString()}`,
    );
  }
  return manifest;
}

async function* readBatches(
  sections: AsyncGenerator<Section, void>,
  ended: (end: PackageEnd) => void,
): AsyncGenerator<StoredDocument[]> {
  let revisions = 0;
  let end: PackageEnd | undefined;
  for await (const { kind, text } of sections) {
    if (kind === 'manifest') throw damaged('it has a second manifest');
    if (kind === 'end') {
      end = parseJson(endSchema, text, 'end');
      continue;
    }
    const docs = parseLines(text);
    revisions += docs.length;
    yield docs;
  }
  if (!end || end.revisions !== revisions) throw damaged('it does not hold what its end says');
  ended(end);
}

function parseJson<Schema extends z.ZodType>(schema: Schema, text: string, what: string): z.infer<Schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged(`its ${what} is not one of this format`, cause);
  }
}

function parseLines(text: string): StoredDocument[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw damaged('a revision has no end');
  return lines.map((line) => {
    const doc = parseLine(line);
    if (!isRevision(doc)) throw damaged(`what should be a revision is not one: ${line.slice(0, 80)}`);
    return doc;
  });
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw damaged(`a revision is not JSON: ${line.slice(0, 80)}`, cause);
  }
}

/** Whether it can be written with `new_edits: false`. */
function isRevision(doc: unknown): doc is StoredDocument {
  if (!isObject(doc) || typeof doc._id !== 'string' || typeof doc._rev !== 'string') return false;
  const rev = parseRevision(doc._rev);
  const history = doc._revisions;
  if (!rev || !isObject(history) || !Array.isArray(history.ids)) return false;
  return history.start === rev.generation && history.ids[0] === rev.hash;
}

function misdirected(reason: string): SyncError {
  return new SyncError('package_misdirected', reason);
}
