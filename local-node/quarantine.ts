import type { StoredDocument } from '../replication/documents.ts';
import type { NodeState } from './state.ts';

/** A write that was refused, or what was taken out of the replica by a repair: kept for a person to decide. */
export interface QuarantineEntry {
  id: string;
  rev: string;
  reason: string;
  /** ISO 8601. */
  at: string;
  /** The document as it was here. */
  doc?: StoredDocument | undefined;
}

/** The node's quarantine: nothing refused or taken out is dropped. */
export interface NodeQuarantine {
  /** The same revision is listed once, however often it is refused for the same reason. */
  add(entry: Omit<QuarantineEntry, 'at'>): Promise<void>;
  /** By document id. */
  list(): AsyncIterable<QuarantineEntry>;
  readonly size: number;
}

export async function openQuarantine(
  state: NodeState,
  now: () => Date = () => new Date(),
): Promise<NodeQuarantine> {
  const space = state.space<QuarantineEntry>('quarantine');
  let size = 0;
  for await (const _entry of space.entries()) size += 1;
  return {
    async add(entry) {
      const key = `${entry.id}\n${entry.rev}\n${entry.reason}`;
      if ((await space.get(key)) !== undefined) return;
      await space.put(key, { ...entry, at: now().toISOString() });
      size += 1;
    },
    async *list() {
      for await (const [, entry] of space.entries()) yield entry;
    },
    get size() {
      return size;
    },
  };
}
