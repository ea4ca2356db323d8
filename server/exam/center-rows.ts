import { centerOfPartition, centerPartition, type DocumentId, parseId } from '../../replication/ids.ts';
import type { CenterFeed } from '../feed/feed.ts';
import type { LogRow } from '../feed/partition-log.ts';

/** A changed document of a center: where its leaves stand, and its id taken apart. */
export interface CenterRow extends LogRow {
  parts: DocumentId;
}

export interface CenterRowsOptions {
  feed: Pick<CenterFeed, 'centers' | 'onApplied' | 'partitionChanges'>;
  /** The sequence of the feed's index up to which everything is handled. */
  since: string;
  /** Whether a document is of interest, from its id; what is not costs nothing. */
  wants(centerId: string, id: DocumentId): boolean;
  /** Handles rows of one center; they come again when this throws. */
  handle(centerId: string, rows: CenterRow[]): Promise<void>;
  /** Called when a center has news. */
  onNews(): void;
}

/** Follows what the feed's index takes in of each center's own partition, at least once each, one center at a time. */
export interface CenterRows {
  /** A center that has news. */
  next(): string | undefined;
  /** Whether there is no news, and none is being handled. */
  readonly idle: boolean;
  /** Handles a center's news. @returns whether there was any. @throws what `handle` throws. */
  settle(centerId: string): Promise<boolean>;
}

export function followCenterRows({ feed, since, wants, handle, onNews }: CenterRowsOptions): CenterRows {
  const reached = new Map<string, string>();
  const running = new Map<string, Promise<void>>();
  const news = new Set(feed.centers());

  feed.onApplied((documents) => {
    let found = false;
    for (const id of documents) {
      const centerId = centerOfPartition(id.partition);
      if (centerId === undefined || !wants(centerId, id)) continue;
      news.add(centerId);
      found = true;
    }
    if (found) onNews();
  });

  async function read(centerId: string): Promise<void> {
    news.delete(centerId);
    try {
      const { end, batches } = feed.partitionChanges(
        centerPartition(centerId),
        reached.get(centerId) ?? since,
      );
      const rows: CenterRow[] = [];
      for await (const batch of batches) {
        for (const row of batch) {
          const parts = parseId(row.id);
          if (parts && wants(centerId, parts)) rows.push({ ...row, parts });
        }
      }
      if (rows.length > 0) await handle(centerId, rows);
      reached.set(centerId, end);
    } catch (error) {
      news.add(centerId);
      throw error;
    }
  }

  function start(centerId: string): Promise<void> {
    const reading = read(centerId).finally(() => running.delete(centerId));
    running.set(centerId, reading);
    return reading;
  }

  return {
    next: () => news.values().next().value,
    get idle() {
      return news.size === 0 && running.size === 0;
    },
    async settle(centerId) {
      let any = false;
      for (;;) {
        const underWay = running.get(centerId);
        if (!underWay && !news.has(centerId)) return any;
        await (underWay ?? start(centerId));
        any = true;
      }
    },
  };
}
