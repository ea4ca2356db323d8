import { hash as digest } from 'node:crypto';
import { canonicalJson } from '../canonical.ts';
import type { StoredDocument } from '../documents.ts';
import { parseRevision, type RevisionHistory } from '../revisions.ts';
import { type Content, contentOf } from './content.ts';
import { leafThatSays, sidesOf } from './decide.ts';
import type { Conflict, Leaf } from './leaves.ts';

/** A revision that a resolution, or its undoing, puts over a leaf. */
export interface RevisionWrite {
  /** The leaf that it is put over. */
  over: string;
  rev: string;
  history: RevisionHistory;
  deleted: boolean;
  content: Content;
}

/** What makes of a document's leaves a single one. */
export interface Resolution {
  id: string;
  /** The revision that stands afterwards: a leaf as it was, or the first of the writes. */
  stands: string;
  writes: RevisionWrite[];
}

/**
 * Lets this content stand: as the leaf that says it already, else as a new revision over the winner. Tombstones go over
 * the others. Every revision id is made of its parent and what it says, so that all who resolve the same leaves write
 * the same revisions, and writing them again changes nothing.
 */
export function resolveWith(conflict: Conflict, content: Content): Resolution {
  const kept = leafThatSays(conflict, content);
  if (kept) return choose(conflict, kept);
  const [winner, ...losers] = sidesOf(conflict) as [Leaf, ...Leaf[]];
  const merged = revisionOver(winner, content);
  const writes = [merged, ...losers.map((leaf) => tombstone(leaf, merged.rev))];
  return { id: conflict.id, stands: merged.rev, writes };
}

/** Lets one leaf stand as it is, to the byte: a result keeps its signature and its receipts. */
export function choose(conflict: Conflict, chosen: Leaf): Resolution {
  const losers = sidesOf(conflict).filter((leaf) => leaf.rev !== chosen.rev);
  return {
    id: conflict.id,
    stands: chosen.rev,
    writes: losers.map((leaf) => tombstone(leaf, chosen.rev)),
  };
}

/**
 * Puts back what leaves said before a resolution. A revision tree only grows, so each is put over what the resolution
 * wrote over it, as far as that is still a leaf: what was written on it since stands.
 */
export function putBack(
  before: readonly { rev: string; doc: StoredDocument; over: Leaf | undefined }[],
): RevisionWrite[] {
  return before.flatMap(({ rev, doc, over }) =>
    over ? [revisionOver(over, contentOf({ rev, doc }), doc._deleted === true)] : [],
  );
}

/** The document that a write stores, without attachments. */
export function documentOf(id: string, { rev, history, deleted, content }: RevisionWrite): StoredDocument {
  const special = { _id: id, _rev: rev, _revisions: history };
  return { ...special, ...(deleted && { _deleted: true }), ...content.fields };
}

function tombstone(leaf: Leaf, mergedInto: string): RevisionWrite {
  return revisionOver(leaf, { fields: { mergedInto }, attachments: {} }, true);
}

/** Attachments count by name, type and length: databases differ in how they make a digest. */
function revisionOver({ rev: over, revs }: Leaf, content: Content, deleted = false): RevisionWrite {
  const attached = Object.entries(content.attachments).map(([name, { contentType, length }]) => [
    name,
    [contentType, length],
  ]);
  const said = canonicalJson([over, deleted, content.fields, Object.fromEntries(attached)]);
  const hash = digest('md5', said);
  const start = (parseRevision(over)?.generation ?? 0) + 1;
  const ids = [hash, ...revs.map((rev) => rev.slice(rev.indexOf('-') + 1))];
  return { over, rev: `${start}-${hash}`, history: { start, ids }, deleted, content };
}
