import type { BoardCenter } from '../board/schemas.ts';

/** What the board shows of all centers, and in which order. */
export interface Wanted {
  search: string;
  onlyNotReady: boolean;
  by: SortKey;
  isDescending: boolean;
}

export type SortKey = 'center' | 'left' | 'seen' | 'receive' | 'send' | 'attention';

const VALUES: Record<SortKey, (center: BoardCenter) => number | string> = {
  center: ({ centerId }) => centerId,
  left: ({ secondsLeft }) => secondsLeft ?? Number.MAX_SAFE_INTEGER,
  seen: ({ lastSeenAt }) => lastSeenAt ?? '',
  receive: ({ pendingPull }) => pendingPull ?? Number.MAX_SAFE_INTEGER,
  send: ({ pendingPush }) => pendingPush ?? -1,
  attention,
};

function isReady({ tests }: BoardCenter): boolean {
  return tests.every(({ state }) => state === 'ready');
}

/** How many centers are ready for all their tests, and how many are not; one without a test is neither. */
export function countReady(centers: Iterable<BoardCenter>): [ready: number, notReady: number] {
  const sitting = [...centers].filter(({ tests }) => tests.length > 0);
  const ready = sitting.filter(isReady).length;
  return [ready, sitting.length - ready];
}

/** How much of a center waits for a person. */
export function attention({ conflicts, quarantined, results, differences }: BoardCenter): number {
  return conflicts + quarantined + results.flagged + differences.length;
}

export function select(centers: Iterable<BoardCenter>, wanted: Wanted): BoardCenter[] {
  const words = wanted.search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = [...centers].filter((center) => {
    if (wanted.onlyNotReady && isReady(center)) return false;
    if (words.length === 0) return true;
    const text = `${center.centerId} ${center.name} ${center.tests.map(({ testId }) => testId).join(' ')}`;
    return words.every((word) => text.toLowerCase().includes(word));
  });
  const value = VALUES[wanted.by];
  const order = wanted.isDescending ? -1 : 1;
  return found.sort((a, b) => {
    const [left, right] = [value(a), value(b)];
    if (left !== right) return left < right ? -order : order;
    return a.centerId < b.centerId ? -1 : 1;
  });
}
