import type { StoredDocument } from '../replication/documents.ts';
import type { NodeState } from './state.ts';

export const QUARANTINE_STATES = ['waiting', 'accepted', 'returned', 'kept'] as const;
/**
 * What has become of an entry. What the server refused waits for an administrator there, who accepts it (the hub has it
 * then) or returns it; what a repair has taken out is only kept.
 */
export type QuarantineState = (typeof QUARANTINE_STATES)[number];

/** A write that was refused, or what was taken out of the replica by a repair: kept for a person to decide. */
export interface QuarantineEntry {
  id: string;
  rev: string;
  reason: string;
  /** ISO 8601. */
  at: string;
  state: QuarantineState;
  /** When it was decided, and what was said of it. */
  decidedAt?: string | undefined;
  note?: string | undefined;
  /** The document as it was here. */
  doc?: StoredDocument | undefined;
}

/** What the server says of a write that it refused. */
export type ServerEntry = Pick<QuarantineEntry, 'id' | 'rev' | 'decidedAt' | 'note'> & {
  /** Absent on a server that only refuses. */
  state?: 'waiting' | 'accepted' | 'returned';
};

/** The node's quarantine: nothing refused or taken out is dropped. */
export interface NodeQuarantine {
  /** The same revision is listed once, however often it is refused for the same reason. */
  add(entry: Omit<QuarantineEntry, 'at' | 'decidedAt' | 'note'>): Promise<void>;
  /** Takes in what the server's administrators have decided. @returns those waiting here that it does not know of. */
  takeDecisions(entries: readonly ServerEntry[]): Promise<QuarantineEntry[]>;
  /** By document id. */
  list(): AsyncIterable<QuarantineEntry>;
  /** Whether the server has refused to store the document as it stands here, and did not accept it after all. */
  isRefused(id: string): boolean;
  /** What the server has said of a revision that it refused, `undefined` when it refused none such. */
  refusal(id: string, rev: string): Pick<QuarantineEntry, 'state' | 'reason' | 'note'> | undefined;
  readonly counts: Readonly<Record<QuarantineState, number>>;
  readonly size: number;
}

type Kept = Omit<QuarantineEntry, 'doc'>;

export async function openQuarantine(
  state: NodeState,
  now: () => Date = () => new Date(),
): Promise<NodeQuarantine> {
  const space = state.space<QuarantineEntry>('quarantine');
  const kept = new Map<string, Kept>();
  const refused = new Map<string, Kept>();
  for await (const [key, entry] of space.entries()) hold(key, entry);

  function hold(key: string, { doc: _doc, ...entry }: QuarantineEntry): void {
    kept.set(key, entry);
    if (entry.state !== 'kept') refused.set(revisionKey(entry), entry);
  }

  async function put(key: string, entry: QuarantineEntry): Promise<void> {
    await space.put(key, entry);
    hold(key, entry);
  }

  return {
    async add(entry) {
      const key = `${entry.id}\n${entry.rev}\n${entry.reason}`;
      const before = kept.get(key);
      // Refused again, though it was decided: the server has forgotten that, or will say so again.
      if (before === undefined || (entry.state === 'waiting' && before.state !== 'waiting')) {
        await put(key, { ...entry, at: before?.at ?? now().toISOString() });
      }
    },
    async takeDecisions(entries) {
      const unknown: QuarantineEntry[] = [];
      const decided = new Map(entries.map((entry) => [revisionKey(entry), entry]));
      for (const [key, entry] of kept) {
        if (entry.state !== 'waiting') continue;
        const there = decided.get(revisionKey(entry));
        if (!there) unknown.push(entry);
        else if (there.state !== undefined && there.state !== 'waiting') {
          const { state: decision, decidedAt, note } = there;
          await put(key, { ...((await space.get(key)) ?? entry), state: decision, decidedAt, note });
        }
      }
      return unknown;
    },
    async *list() {
      for await (const [, entry] of space.entries()) yield entry;
    },
    isRefused(id) {
      for (const entry of refused.values()) {
        if (entry.id === id && entry.state !== 'accepted') return true;
      }
      return false;
    },
    refusal: (id, rev) => refused.get(revisionKey({ id, rev })),
    get counts() {
      const counts = { waiting: 0, accepted: 0, returned: 0, kept: 0 };
      for (const { state: one } of kept.values()) counts[one] += 1;
      return counts;
    },
    get size() {
      return kept.size;
    },
  };
}

function revisionKey({ id, rev }: { id: string; rev: string }): string {
  return `${id}\n${rev}`;
}
