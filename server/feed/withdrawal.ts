import { createHash } from 'node:crypto';
import type { StoredDocument } from '../../replication/documents.ts';
import type { Database } from '../../replication/pouch.ts';
import { parseRevision, type RevisionHistory, revisionsOf } from '../../replication/revisions.ts';
import type { Entry } from './partition-log.ts';

/**
 * The tombstone that takes a withdrawn test's document out of one center's replica: a revision one generation above
 * the leaf and derived from it, so that every index makes the same one. Its second half is a checksum of the first,
 * so that it is recognized when a client offers it back, whatever has become of the leaf since.
 */
export function withdrawalRevision(id: string, leaf: string): string {
  const generation = (parseRevision(leaf)?.generation ?? 0) + 1;
  const head = half(`withdrawn\n${id}\n${leaf}`);
  return `${generation}-${head}${half(`withdrawal\n${id}\n${generation}\n${head}`)}`;
}

/** Whether a revision of `id` is a tombstone made by a withdrawal. */
export function isWithdrawalRevision(id: string, rev: string): boolean {
  const parsed = parseRevision(rev);
  if (parsed?.hash.length !== 32) return false;
  const head = parsed.hash.slice(0, 16);
  return parsed.hash.slice(16) === half(`withdrawal\n${id}\n${parsed.generation}\n${head}`);
}

/** The tombstone as a document: its history is the leaf's with one generation on top. */
function withdrawalTombstone(id: string, leafHistory: RevisionHistory): StoredDocument {
  const leaf = `${leafHistory.start}-${leafHistory.ids[0]}`;
  const rev = withdrawalRevision(id, leaf);
  const hash = rev.slice(rev.indexOf('-') + 1);
  return {
    _id: id,
    _rev: rev,
    _deleted: true,
    _revisions: { start: leafHistory.start + 1, ids: [hash, ...leafHistory.ids] },
  };
}

/**
 * The tombstone `rev` for a center the test was withdrawn from. It is made of a leaf, or of what was a leaf when the
 * center read its changes; a leaf that is deleted on the hub leaves the replica as it is, without its fields.
 * `rev` may also be what the center last held: its newest form, for that center, is the tombstone.
 */
export async function findTombstone(
  hub: Database,
  id: string,
  entry: Entry,
  rev: string,
): Promise<StoredDocument | undefined> {
  const docs = entry.leaves.map((leaf) => ({ id, rev: leaf.rev }));
  const { results } = await hub.bulkGet({ docs, revs: true });
  const answers = results.flatMap((result) => result.docs);
  const leaves = answers.flatMap((answer) => ('ok' in answer ? [answer.ok] : []));
  for (const leaf of leaves) {
    const history = leaf._revisions as RevisionHistory;
    const known = revisionsOf(history);
    if (leaf._deleted) {
      if (known.includes(rev))
        return { _id: id, _rev: leaf._rev as string, _deleted: true, _revisions: history };
      continue;
    }
    const ancestor = known.findIndex((candidate) => withdrawalRevision(id, candidate) === rev);
    if (ancestor >= 0) {
      const base = { start: history.start - ancestor, ids: history.ids.slice(ancestor) };
      return withdrawalTombstone(id, base);
    }
    if (known.includes(rev)) return withdrawalTombstone(id, history);
  }
  return undefined;
}

function half(text: string): string {
  return createHash('md5').update(text).digest('hex').slice(0, 16);
}
