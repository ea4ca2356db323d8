import { z } from 'zod';
import type { StoredDocument } from '../../replication/documents.ts';
import { chainBreak, EMPTY_LOG, type LogEntry, type LogHead, logId } from '../../replication/log-chain.ts';
import type { CenterFeed } from '../feed/feed.ts';
import type { Hub } from '../hub.ts';
import { readLiveLeaves } from './leaves.ts';

/** Entries that are read at once. */
const STEP = 100;

const chained = z.looseObject({
  nodeId: z.string(),
  n: z.int().positive(),
  at: z.string(),
  event: z.string(),
  details: z.looseObject({}),
  previous: z.string(),
  hash: z.string(),
});

/** Where a chain breaks. */
export interface ChainBreak {
  n: number;
  reason: string;
  /** Two different entries have the number. */
  forked: boolean;
}

/** What a walk along a chain has found: the entries that follow, and the break behind them. */
export interface Walk {
  verified: LogHead;
  entries: LogEntry[];
  broken: ChainBreak | undefined;
}

export type Reading = { feed: Pick<CenterFeed, 'entries'>; hub: Pick<Hub, 'db'> };

/** A document as an entry of a chain; `undefined` for one without a chain's fields. */
export function asEntry(doc: StoredDocument | undefined): LogEntry | undefined {
  return chained.safeParse(doc).success ? (doc as unknown as LogEntry) : undefined;
}

/** Reads one node's log in the hub. */
export function createLogReader(parts: Reading, centerId: string, instanceId: string) {
  /** The leaves of entries, by number; entries that are not there are left out. */
  async function read(numbers: readonly number[]): Promise<Map<number, StoredDocument[]>> {
    const ids = new Map(numbers.map((n) => [n, logId(centerId, instanceId, n)]));
    const leaves = await readLiveLeaves(parts, [...ids.values()]);
    const found = new Map<number, StoredDocument[]>();
    for (const [n, id] of ids) if (leaves.get(id)?.length) found.set(n, leaves.get(id) ?? []);
    return found;
  }

  return {
    /** The entry of a number, if it is there and one of a chain. */
    async entry(n: number): Promise<LogEntry | undefined> {
      return asEntry((await read([n])).get(n)?.[0]);
    },

    /** The head with which entry `n` leaves the chain. */
    async headAt(n: number): Promise<LogHead | undefined> {
      if (n === 0) return EMPTY_LOG;
      const entry = await this.entry(n);
      return entry && { n, hash: entry.hash };
    },

    /** Verifies on from `start`, until an entry is missing or the chain breaks. */
    async walk(start: LogHead): Promise<Walk> {
      const entries: LogEntry[] = [];
      for (let verified = start; ; ) {
        const numbers = Array.from({ length: STEP }, (_, k) => verified.n + 1 + k);
        const leaves = await read(numbers);
        for (const n of numbers) {
          const found = leaves.get(n);
          if (!found) return { verified, entries, broken: undefined };
          const broken = breakBehind(verified, instanceId, found);
          if (broken) return { verified, entries, broken };
          const entry = found[0] as unknown as LogEntry;
          entries.push(entry);
          verified = { n, hash: entry.hash };
        }
      }
    },
  };
}

/** Why the leaves of one document are not the entry that follows `head`, if they are not. */
function breakBehind(
  head: LogHead,
  instanceId: string,
  leaves: readonly StoredDocument[],
): ChainBreak | undefined {
  const n = head.n + 1;
  const entries = leaves.map(asEntry);
  if (new Set(entries.map((entry) => entry?.hash)).size > 1) {
    return { n, reason: `the log is forked: two entries have the number ${n}`, forked: true };
  }
  for (const entry of entries) {
    const isOwn = entry?.n === n && entry.nodeId === instanceId;
    const reason = isOwn ? chainBreak(head, entry) : `entry ${n} was altered`;
    if (reason !== undefined) return { n, reason, forked: false };
  }
  return undefined;
}
