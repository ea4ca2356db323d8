import type { StoredDocument } from '../../../replication/documents.ts';
import { parseId } from '../../../replication/ids.ts';
import type { ControlStore } from '../store.ts';

/** A revision that a center sent, and when it came. */
export interface Origin {
  rev: string;
  centerId: string;
  at: string;
}

/**
 * Which revisions of enrollments came from a center. Enrollments alone are written from both sides, and nothing in the
 * document says by whom; where this record is lost, what the revisions changed must tell.
 */
export interface Origins {
  /** Notes those that are enrollments, each under the revision in `_rev`. */
  record(centerId: string, docs: readonly StoredDocument[]): Promise<void>;
  /** In the order of the ids. */
  of(ids: string[]): Promise<Origin[][]>;
}

/** How many of a document's are kept: a conflict's branches are seldom longer. */
const KEPT = 20;

export function openOrigins(store: ControlStore, now: () => Date = () => new Date()): Origins {
  const space = store.space<Origin[]>('origins');
  return {
    async record(centerId, docs) {
      const enrollments = docs.filter(({ _id }) => parseId(_id)?.type === 'enrollment');
      if (enrollments.length === 0) return;
      const known = await space.getMany(enrollments.map(({ _id }) => _id));
      const at = now().toISOString();
      await space.batch(
        enrollments.map(({ _id, _rev }, index) => {
          const others = (known[index] ?? []).filter(({ rev }) => rev !== _rev);
          return [_id, [{ rev: _rev as string, centerId, at }, ...others].slice(0, KEPT)];
        }),
      );
    },
    async of(ids) {
      return (await space.getMany(ids)).map((origins) => origins ?? []);
    },
  };
}
