import { hash } from 'node:crypto';
import { canonicalJson } from './canonical.ts';
import type { StoredDocument } from './documents.ts';

/**
 * Proof of equality. Each document that has a live leaf has a digest: SHA-256 over its id and, sorted by revision,
 * each live leaf's revision and content. A partition's digest is the sum of its documents' digests mod 2^256:
 * independent of order, and updated by one subtraction and one addition. Content is included because a revision id
 * alone says nothing about a body that was changed on the disk behind the database's back.
 */

const MODULUS = 1n << 256n;

/** A live leaf: its revision and its body (fields that begin with `_` are left out, attachments are summarized). */
export interface Leaf {
  rev: string;
  body: StoredDocument;
}

/** Digest of one document, 64 hexadecimal digits. `leaves` holds the live ones, at least one. */
export function documentDigest(id: string, leaves: readonly Leaf[]): string {
  const sorted = leaves.length === 1 ? leaves : [...leaves].sort((a, b) => (a.rev < b.rev ? -1 : 1));
  const texts = sorted.map((leaf) => `\n${leaf.rev}\n${canonicalBody(leaf.body)}`);
  return hash('sha256', id + texts.join(''));
}

/** Adds a document's digest to a partition's. */
export function addDigest(sum: bigint, digest: string): bigint {
  return (sum + BigInt(`0x${digest}`)) % MODULUS;
}

/** Takes a document's digest out of a partition's. */
export function subtractDigest(sum: bigint, digest: string): bigint {
  return (sum - BigInt(`0x${digest}`) + MODULUS) % MODULUS;
}

/** A partition's digest as it stands on the wire: 64 hexadecimal digits. */
export function formatDigest(sum: bigint): string {
  return sum.toString(16).padStart(64, '0');
}

/** A body as JSON with sorted keys: the same text on every machine, whatever order the fields were stored in. */
function canonicalBody(body: StoredDocument): string {
  const fields = Object.keys(body).filter((key) => !key.startsWith('_'));
  const parts = fields.sort().map((key) => `${JSON.stringify(key)}:${canonicalJson(body[key])}`);
  for (const [name, stub] of Object.entries(body._attachments ?? {}).sort()) {
    parts.push(`${JSON.stringify(name)}@${stub.content_type}:${stub.length}`);
  }
  return parts.join(',');
}
