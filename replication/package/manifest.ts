import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { SyncError } from '../errors.ts';
import { idPart } from '../fields.ts';
import { type Bytes, textOf } from './bytes.ts';

/** What a package says of itself: docs/packages.md describes the format. */

export const PACKAGE_MEDIA_TYPE = 'application/vnd.cbt.package';
/** Of an answer whose body is a package: what the import that it answers has done, as JSON. */
export const REPORT_HEADER = 'cbt-package-report';

/** `results` travels to the server, the others to the center. */
export const PACKAGE_KINDS = ['download', 'results', 'snapshot', 'receipts'] as const;
export type PackageKind = (typeof PACKAGE_KINDS)[number];

/** In clear at the front of the file, so that whoever holds it can be told whose it is without any key. */
const headSchema = z.strictObject({
  kind: z.enum(PACKAGE_KINDS),
  centerId: idPart,
  /** Unguessable, of this file alone: the sections of one package are signed for no other. */
  packageId: z.string().regex(/^[0-9a-f]{32}$/),
  /** The age recipients that can read it. */
  to: z.array(z.string()).min(1),
});
export type PackageHead = z.infer<typeof headSchema>;

export const refusalSchema = z.object({ id: z.string(), rev: z.string(), reason: z.string() });
/** A revision of a results package that was not stored, and why. */
export type Refusal = z.infer<typeof refusalSchema>;

/** The first section. */
export const manifestSchema = z.object({
  kind: z.enum(PACKAGE_KINDS),
  centerId: idPart,
  packageId: z.string(),
  /** `server <uuid>` or `node <instance id>`. */
  madeBy: z.string(),
  madeAt: z.iso.datetime(),
  /** The sequence of the sender's database after which the revisions stand; `0` when they are all there are. */
  since: z.string(),
  /** The sequence that they lead up to. */
  through: z.string(),
  /** The tests that a download was limited to; absent when it is the center's whole scope. */
  tests: z.array(z.string()).optional(),
  /** Of results: how far the center's replica is, as a sequence of the server's. */
  reached: z.string().optional(),
  /** Of receipts: which package of which node has arrived, and up to which of its sequences all has. */
  confirms: z.object({ packageId: z.string(), nodeId: z.string(), through: z.string() }).optional(),
  refused: z.array(refusalSchema).optional(),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** An id for a package that is being made. */
export function makePackageId(): string {
  return randomBytes(16).toString('hex');
}

const count = z.int().nonnegative();

/** The last section: what is known only when all has been written. */
export const endSchema = z.object({
  documents: count,
  revisions: count,
  /** Documents by type. */
  counts: z.record(z.string(), count),
});
export type PackageEnd = z.infer<typeof endSchema>;

const MAGIC = 'cbtpkg/';
const VERSION = 1;
/** The last bytes of the file: a copy that was cut short lacks them. */
export const END_MARK = new TextEncoder().encode('\nend of cbtpkg\n');
export const HEAD_LIMIT_BYTES = 64 * 1024;

/** The first line: format and version, SHA-256 of the head, the head. */
export function formatHead(head: PackageHead): Bytes {
  const json = JSON.stringify(head);
  return new TextEncoder().encode(`${MAGIC}${VERSION} ${sha256(json)} ${json}\n`);
}

/** How every package begins. */
export const MAGIC_BYTES = MAGIC.length;

/**
 * Reads the first line; `undefined` and the file's first bytes where it has no line.
 * @throws SyncError not_a_package, package_damaged.
 */
export function parseHead(line: Bytes | undefined, start: Bytes): PackageHead {
  if (!line && textOf(start) === MAGIC) throw damaged('it is cut short');
  const text = line ? textOf(line) : '';
  const [, version, hash, json] = /^cbtpkg\/([1-9]\d*) (?:([0-9a-f]{64}) (\{.*\})\n)?/.exec(text) ?? [];
  if (version === undefined) throw new SyncError('not_a_package', 'the file is not a package');
  if (Number(version) > VERSION) {
    throw new SyncError('not_a_package', `the package is of format ${version}; this reads up to ${VERSION}`);
  }
  if (json === undefined || sha256(json) !== hash) throw damaged('its first line was altered');
  try {
    return headSchema.parse(JSON.parse(json));
  } catch (cause) {
    throw damaged('its first line is not one of this format', cause);
  }
}

export function damaged(how: string, cause?: unknown): SyncError {
  return new SyncError('package_damaged', `the package is damaged: ${how}`, { cause });
}

export function sha256(data: string | Bytes): string {
  return createHash('sha256').update(data).digest('hex');
}
