import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import type { ControlStore } from '../control/store.ts';
import { absent } from './request.ts';

/** `_local` documents: checkpoints and node reports, a name space per center, never replicated. */
export interface LocalDocuments {
  /** @throws SyncError not_found. */
  get(centerId: string, id: string): Promise<StoredDocument>;
  /** Stores the document with its next revision; `_deleted` takes it away. @throws SyncError conflict, not_found. */
  put(centerId: string, doc: StoredDocument): Promise<{ ok: true; id: string; rev: string }>;
  /** @throws SyncError not_found, conflict. */
  delete(
    centerId: string,
    id: string,
    rev: string | undefined,
  ): Promise<{ ok: true; id: string; rev: string }>;
  list(centerId: string): AsyncIterable<StoredDocument>;
}

/** With the time it was stored, which the status page shows and the center does not get back. */
type TimedDocument = StoredDocument & { stored_at: string };

export function createLocalDocuments(store: ControlStore): LocalDocuments {
  const space = store.space<TimedDocument>('local');
  const keyOf = (centerId: string, id: string): string => `${centerId}/${id}`;
  return {
    async get(centerId, id) {
      const doc = await space.get(keyOf(centerId, id));
      if (!doc) throw absent();
      return withoutTime(doc);
    },
    async put(centerId, { _revisions, ...doc }) {
      if (doc._deleted) return this.delete(centerId, doc._id, doc._rev);
      const known = await space.get(keyOf(centerId, doc._id));
      if (known && known._rev !== doc._rev) throw conflict();
      const rev = `0-${Number(known?._rev?.slice(2) ?? 0) + 1}`;
      const stored_at = new Date().toISOString();
      await space.put(keyOf(centerId, doc._id), { ...doc, _rev: rev, stored_at });
      return { ok: true, id: doc._id, rev };
    },
    async delete(centerId, id, rev) {
      const known = await space.get(keyOf(centerId, id));
      if (!known) throw absent();
      if (known._rev !== rev) throw conflict();
      await space.delete(keyOf(centerId, id));
      return { ok: true, id, rev: '0-0' };
    },
    async *list(centerId) {
      for await (const [, doc] of space.entries(`${centerId}/`)) yield withoutTime(doc);
    },
  };
}

function withoutTime({ stored_at: _time, ...doc }: TimedDocument): StoredDocument {
  return doc;
}

function conflict(): SyncError {
  return new SyncError('conflict', 'Document update conflict.');
}
