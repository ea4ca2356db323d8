import { createHash } from 'node:crypto';
import type { StoredDocument } from '../../replication/documents.ts';
import type { ControlStore } from './store.ts';

/** A write that was refused, kept whole with its reason. */
export interface QuarantinedWrite {
  centerId: string;
  id: string;
  rev: string;
  reason: string;
  /** When it was first refused. */
  at: string;
  doc: StoredDocument;
}

/** What centers wrote and the server may not accept. Nothing is dropped; repeating a write adds nothing. */
export interface Quarantine {
  /** @param options.newEdits the document's `_rev` is the one it was made on, not its own. */
  add(centerId: string, doc: StoredDocument, reason: string, options?: { newEdits: boolean }): Promise<void>;
  /** In order of center and id. */
  list(centerId?: string): AsyncIterable<QuarantinedWrite>;
}

export function openQuarantine(store: ControlStore): Quarantine {
  const space = store.space<QuarantinedWrite>('quarantine');
  return {
    async add(centerId, doc, reason, options) {
      const ownRev = options?.newEdits ? undefined : doc._rev;
      const rev = ownRev ?? `0-${createHash('md5').update(JSON.stringify(doc)).digest('hex')}`;
      const key = `${centerId}/${doc._id}/${rev}`;
      if (await space.get(key)) return;
      await space.put(key, { centerId, id: doc._id, rev, reason, at: new Date().toISOString(), doc });
    },
    async *list(centerId) {
      const prefix = centerId === undefined ? '' : `${centerId}/`;
      for await (const [, entry] of space.entries(prefix)) yield entry;
    },
  };
}
