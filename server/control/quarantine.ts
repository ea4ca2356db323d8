import { createHash } from 'node:crypto';
import type { StoredDocument } from '../../replication/documents.ts';
import type { ControlStore } from './store.ts';

/** What has become of a write that was refused. */
export type QuarantineState = 'waiting' | 'accepted' | 'returned';

/** A write that was refused, kept whole with its reason. */
export interface QuarantinedWrite {
  /** The entry's own name: center, id and revision. */
  key: string;
  centerId: string;
  id: string;
  rev: string;
  reason: string;
  /** When it was first refused. */
  at: string;
  state: QuarantineState;
  /** When an administrator decided, and what was said of it. */
  decidedAt?: string;
  note?: string;
  doc: StoredDocument;
}

/** What an administrator made of an entry. */
export type Decision = Pick<QuarantinedWrite, 'decidedAt' | 'note'> & {
  state: Exclude<QuarantineState, 'waiting'>;
};

/** What centers wrote and the server may not accept. Nothing is dropped; repeating a write adds nothing. */
export interface Quarantine {
  /** @param options.newEdits the document's `_rev` is the one it was made on, not its own. */
  add(centerId: string, doc: StoredDocument, reason: string, options?: { newEdits: boolean }): Promise<void>;
  get(key: string): Promise<QuarantinedWrite | undefined>;
  decide(entry: QuarantinedWrite, decision: Decision): Promise<void>;
  /** In order of center and id. */
  list(centerId?: string): AsyncIterable<QuarantinedWrite>;
}

export function openQuarantine(store: ControlStore): Quarantine {
  const space = store.space<Omit<QuarantinedWrite, 'key'>>('quarantine');
  return {
    async add(centerId, doc, reason, options) {
      const ownRev = options?.newEdits || typeof doc._rev !== 'string' ? undefined : doc._rev;
      const rev = ownRev ?? `0-${createHash('md5').update(JSON.stringify(doc)).digest('hex')}`;
      const key = `${centerId}/${doc._id}/${rev}`;
      if (await space.get(key)) return;
      const at = new Date().toISOString();
      await space.put(key, { centerId, id: doc._id, rev, reason, at, state: 'waiting', doc });
    },
    async get(key) {
      const entry = await space.get(key);
      return entry && { ...entry, key };
    },
    async decide({ key, ...entry }, decision) {
      await space.put(key, { ...entry, ...decision });
    },
    async *list(centerId) {
      const prefix = centerId === undefined ? '' : `${centerId}/`;
      for await (const [key, entry] of space.entries(prefix)) yield { ...entry, key };
    },
  };
}
