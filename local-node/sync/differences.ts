import type { Difference } from '../../replication/node-report.ts';
import type { NodeState } from '../state.ts';
import type { FoundDifference } from '../verify.ts';

/** What is known about where the replica differs from what it must hold, kept over restarts. */
export interface KnownDifferences {
  readonly size: number;
  list(): Difference[];
  has(id: string): boolean;
  /** Whether exactly this was found before. */
  isKnown(found: FoundDifference): boolean;
  /** Found by the node itself, on its disk. */
  add(differences: readonly Difference[]): Promise<void>;
  /** What the comparison with the server has shown; the server has the last word. */
  replace(found: readonly FoundDifference[]): Promise<void>;
}

type Kept = Pick<FoundDifference, 'problem'> & Partial<FoundDifference>;

export async function openDifferences(state: NodeState): Promise<KnownDifferences> {
  const space = state.space<Kept>('difference');
  const kept = new Map<string, Kept>();
  for await (const [id, difference] of space.entries()) kept.set(id, difference);
  return {
    get size() {
      return kept.size;
    },
    has: (id) => kept.has(id),
    list: () => [...kept].map(([id, { problem }]) => ({ id, problem })),
    isKnown({ id, here, there }) {
      const known = kept.get(id);
      return known !== undefined && known.here === here && known.there === there;
    },
    async add(differences) {
      const fresh = differences.filter(({ id }) => !kept.has(id));
      await state.batch(fresh.map(({ id, problem }) => space.putting(id, { problem })));
      for (const { id, problem } of fresh) kept.set(id, { problem });
    },
    async replace(found) {
      const now = new Set(found.map(({ id }) => id));
      const gone = [...kept.keys()].filter((id) => !now.has(id));
      await state.batch([
        ...gone.map((id) => space.deleting(id)),
        ...found.map((difference) => space.putting(difference.id, difference)),
      ]);
      for (const id of gone) kept.delete(id);
      for (const difference of found) kept.set(difference.id, difference);
    },
  };
}
