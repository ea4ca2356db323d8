/** Revision ids and histories as CouchDB writes them: `<generation>-<hash>`, `_revisions: {start, ids}`. */

const REVISION = /^([1-9]\d*)-(.+)$/;

/** `_revisions` of a document: the leaf's generation, and the hashes from the leaf to the root. */
export interface RevisionHistory {
  start: number;
  ids: string[];
}

/** Generation and hash of a revision id; `undefined` when it is not one. */
export function parseRevision(rev: string): { generation: number; hash: string } | undefined {
  const match = REVISION.exec(rev);
  return match ? { generation: Number(match[1]), hash: match[2] as string } : undefined;
}

/** The revision ids of a history, leaf first. */
export function revisionsOf(history: RevisionHistory): string[] {
  return history.ids.map((hash, index) => `${history.start - index}-${hash}`);
}

/** The revisions of documents as `_revs_diff` asks about them. */
export function revisionsByDocument(
  docs: readonly { _id: string; _rev?: string }[],
): Record<string, string[]> {
  const asked: Record<string, string[]> = {};
  for (const { _id, _rev } of docs) {
    if (_rev !== undefined) asked[_id] = [...(asked[_id] ?? []), _rev];
  }
  return asked;
}
