import type { CenterFeed } from '../feed/feed.ts';

/**
 * How many rows follow a page of changes. Counting them for each page would read the rest of a replica again and again;
 * a client that reads page after page is told what is left of what was counted once.
 */
export interface PendingCounts {
  /** After a page of `rows` rows from `since` to `last`, read while the feed's end was `end`. */
  after(centerId: string, page: { since: string; last: string; rows: number; end: string }): Promise<number>;
}

interface Known {
  since: string;
  end: string;
  pending: number;
}

export function createPendingCounts(feed: CenterFeed): PendingCounts {
  const known = new Map<string, Known>();

  async function before(centerId: string, since: string, end: string): Promise<number> {
    const last = known.get(centerId);
    if (last?.since === since && last.end === end) return last.pending;
    return feed.pending(centerId, since);
  }

  return {
    async after(centerId, { since, last, rows, end }) {
      const pending = Math.max(0, (await before(centerId, since, end)) - rows);
      known.set(centerId, { since: last, end, pending });
      return pending;
    },
  };
}
