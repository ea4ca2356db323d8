/**
 * How PouchDB 9 keeps a database in LevelDB: keys are `\xff<store>\xff<key>`, values JSON. `document-store` has the
 * revision tree of each document by id, `by-sequence` the body of each revision by its sequence, 16 digits.
 */

export const DOCUMENTS = 'document-store';
export const BODIES = 'by-sequence';
const META = 'meta-store';

export const UPDATE_SEQ_KEY = rawKey(META, '_local_last_update_seq');
export const DOC_COUNT_KEY = rawKey(META, '_local_doc_count');
export const UUID_KEY = rawKey(META, '_local_uuid');

/** A document's entry in `document-store`, as far as it is read here. */
export interface Metadata {
  id: string;
  /** Sequence of the newest revision. */
  seq: number;
  rev_tree: { pos: number; ids: TreeNode }[];
  /** Sequence by revision; a revision whose body has been compacted away is absent. */
  rev_map: Record<string, number>;
  winningRev?: string;
  deleted?: boolean;
}

type TreeNode = [hash: string, options: { status: string; deleted?: boolean }, children: TreeNode[]];

/** A leaf of a revision tree. */
export interface TreeLeaf {
  rev: string;
  deleted: boolean;
}

export function rawKey(store: string, key: string): string {
  return `\xff${store}\xff${key}`;
}

/** The range of keys of one store. */
export function rangeOf(store: string): { gte: string; lt: string } {
  return { gte: rawKey(store, ''), lt: `\xff${store}\u0100` };
}

/** The key inside its store. */
export function keyWithin(store: string, key: string): string {
  return key.slice(store.length + 2);
}

export function bodyKey(seq: number): string {
  return rawKey(BODIES, `0000000000000000${seq}`.slice(-16));
}

/** The leaves of a document's revision trees, the winner first. */
export function leavesOf(metadata: Metadata): TreeLeaf[] {
  const leaves: (TreeLeaf & { generation: number; hash: string })[] = [];
  const open = metadata.rev_tree.map(({ pos, ids }) => ({ generation: pos, node: ids }));
  for (let next = open.pop(); next; next = open.pop()) {
    const { generation } = next;
    const [hash, options, children] = next.node;
    for (const child of children) open.push({ generation: generation + 1, node: child });
    if (children.length > 0) continue;
    leaves.push({ rev: `${generation}-${hash}`, deleted: options.deleted === true, generation, hash });
  }
  leaves.sort(
    (a, b) =>
      Number(a.deleted) - Number(b.deleted) || b.generation - a.generation || (a.hash < b.hash ? 1 : -1),
  );
  return leaves.map(({ rev, deleted }) => ({ rev, deleted }));
}
