import type { StoredDocument } from '../../replication/documents.ts';
import type { ServerConfig } from '../../server/config.ts';
import { openServerHere, type RunningServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

/** A conflict as `GET /api/conflicts/:id` answers it, as far as tests read it. */
export interface ShownConflict {
  id: string;
  reason: string;
  leaves: string[];
  undone?: number;
  base: { rev: string; document: StoredDocument } | null;
  sides: {
    rev: string;
    deleted: boolean;
    document: StoredDocument;
    written: { side: string; centerId: string | null; nodeId: string | null; at: string | null };
  }[];
  merge: string;
  twoWay: string | null;
  suggestion: { rev: string | null; document: StoredDocument } | null;
}

export interface Done {
  id: string;
  leaves: string[];
  audit: number;
}

const RESOLUTIONS = '/api/audit?action=conflict.resolved&limit=1000';

/** A server and what tests of conflicts ask of it. */
export interface ConflictWorld extends AsyncDisposable {
  readonly server: RunningServer;
  /** Writes revisions into the hub as a replicating hub would. */
  replicate(docs: readonly StoredDocument[]): Promise<void>;
  /** What waits, when all that was written is resolved or listed. */
  waiting(query?: string): Promise<{ conflicts: { id: string; undone?: number }[]; next: string | null }>;
  show(id: string): Promise<ShownConflict>;
  decide(id: string, body: object): Promise<Done>;
  undo(audit: number, body?: object): Promise<Done>;
  /** Undoes the first resolution of this document that the audit log has. */
  undoOf(id: string): Promise<Done>;
  /** The live leaves of a document in the hub, sorted by revision. */
  live(id: string): Promise<StoredDocument[]>;
  /** The number of conflicts that the center's status counts. */
  counted(centerId: string, expected: number): Promise<void>;
}

export async function openConflictWorld(config: Partial<ServerConfig> = {}): Promise<ConflictWorld> {
  const server = await openServerHere({ conflictSettleMs: 20, ...config });
  const at = (id: string) => `/api/conflicts/${encodeURIComponent(id)}`;
  const { request } = server.api;
  return {
    server,
    async replicate(docs) {
      const answer = await request<unknown[]>('POST', '/couch/cbt/_bulk_docs', { docs, new_edits: false });
      if (answer.length > 0) throw new Error(`not stored: ${JSON.stringify(answer)}`);
    },
    waiting: (query = '') => request('GET', `/api/conflicts${query}`),
    show: (id) => request('GET', at(id)),
    decide: (id, body) => request('POST', at(id), body),
    undo: (audit, body) => request('POST', `/api/conflicts/undo/${audit}`, body),
    async undoOf(id) {
      const path = `${RESOLUTIONS}&document=${encodeURIComponent(id)}`;
      const { entries } = await request<{ entries: { n: number }[] }>('GET', path);
      return request('POST', `/api/conflicts/undo/${entries.at(-1)?.n}`);
    },
    async live(id) {
      const path = `/couch/cbt/${encodeURIComponent(id)}?open_revs=all`;
      const leaves = await request<{ ok?: StoredDocument }[]>('GET', path);
      const live = leaves.flatMap(({ ok }) => (ok && !ok._deleted ? [ok] : []));
      return live.sort((a, b) => (String(a._rev) < String(b._rev) ? -1 : 1));
    },
    async counted(centerId, expected) {
      await until(
        async () => {
          const { centers } = await request<{ centers: { centerId: string; conflicts: number }[] }>(
            'GET',
            '/api/status',
          );
          return centers.find((center) => center.centerId === centerId)?.conflicts === expected;
        },
        { what: `${expected} conflicts are counted` },
      );
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
