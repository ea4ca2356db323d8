import { type Conflict, conflictOf } from '../../replication/conflicts/leaves.ts';
import type { StoredDocument } from '../../replication/documents.ts';

/** A leaf for a test: its history as revision ids, the leaf first, and what it says. */
export function leafOf(id: string, revs: readonly string[], fields: object): StoredDocument {
  const [rev] = revs as [string];
  const ids = revs.map((each) => each.slice(each.indexOf('-') + 1));
  return { _id: id, _rev: rev, _revisions: { start: Number(rev.split('-')[0]), ids }, ...fields };
}

/** A conflict of leaves that each changed the one revision `1-base`. */
export function conflictOver(id: string, leaves: Readonly<Record<string, object>>): Conflict {
  const docs = Object.entries(leaves).map(([rev, fields]) => leafOf(id, [rev, '1-base'], fields));
  return conflictOf(id, docs);
}
