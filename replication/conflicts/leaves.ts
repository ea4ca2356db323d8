import type { StoredDocument } from '../documents.ts';
import { parseRevision, type RevisionHistory, revisionsOf } from '../revisions.ts';

/** One leaf of a document's revision tree, with its history. */
export interface Leaf {
  rev: string;
  /** From the leaf to the oldest revision that is known, as `_revisions` has it. */
  revs: string[];
  doc: StoredDocument;
  /** Where it is recorded: the center that wrote a revision of this branch, and when it came. */
  byCenter?: { centerId: string; at: string };
}

/** A document with more than one leaf. */
export interface Conflict {
  id: string;
  /** Not deleted, the winner first. */
  live: Leaf[];
  /** Tombstones that are somebody's deletion. */
  deletions: Leaf[];
  /** Tombstones that a resolution put over a leaf when another one took up its content. */
  merged: Leaf[];
}

/** What a resolution leaves over a leaf that is not to stand: which revision holds what there was of it. */
export interface MergedTombstone extends StoredDocument {
  _deleted: true;
  mergedInto: string;
}

/** Sorts a document's leaves, each read with its `_revisions`, into a conflict. */
export function conflictOf(id: string, leaves: readonly StoredDocument[]): Conflict {
  const conflict: Conflict = { id, live: [], deletions: [], merged: [] };
  for (const doc of leaves) {
    const leaf = { rev: doc._rev as string, revs: revisionsOf(doc._revisions as RevisionHistory), doc };
    if (!doc._deleted) conflict.live.push(leaf);
    else if (typeof doc.mergedInto === 'string') conflict.merged.push(leaf);
    else conflict.deletions.push(leaf);
  }
  for (const list of [conflict.live, conflict.deletions, conflict.merged]) {
    list.sort((a, b) => compareRevs(a.rev, b.rev));
  }
  return conflict;
}

/** CouchDB's order of leaves: the later generation first, then the greater hash. The same on every machine. */
export function compareRevs(a: string, b: string): number {
  const [left, right] = [parseRevision(a), parseRevision(b)];
  const generations = (right?.generation ?? 0) - (left?.generation ?? 0);
  if (generations !== 0) return generations;
  const [x, y] = [left?.hash ?? a, right?.hash ?? b];
  if (x === y) return 0;
  return x > y ? -1 : 1;
}

/**
 * The newest revision that all of these leaves come from; `undefined` when they have none in common. A leaf that took
 * up another in a resolution comes from both: so work that was done on a merged revision at a center which did not know
 * of the merge yet is compared with that revision, not with an older one.
 */
export function commonAncestor(leaves: readonly Leaf[], merged: readonly Leaf[]): string | undefined {
  const [first, ...others] = leaves.map((leaf) => ancestorsOf(leaf, merged));
  let newest: string | undefined;
  for (const rev of first ?? []) {
    if (!others.every((ancestors) => ancestors.has(rev))) continue;
    if (newest === undefined || compareRevs(rev, newest) < 0) newest = rev;
  }
  return newest;
}

function ancestorsOf(leaf: Leaf, merged: readonly Leaf[]): Set<string> {
  const ancestors = new Set(leaf.revs);
  let left = [...merged];
  for (let grown = true; grown; ) {
    const taken = left.filter(({ doc }) => ancestors.has(doc.mergedInto as string));
    left = left.filter((tombstone) => !taken.includes(tombstone));
    for (const { revs } of taken) for (const rev of revs) ancestors.add(rev);
    grown = taken.length > 0;
  }
  return ancestors;
}
