import type { StoredDocument } from '../../replication/documents.ts';
import { partitionOf } from '../../replication/ids.ts';
import type { ChangesPage } from './pages.ts';

/** What the line remembers of one replication, so that the replicator's next question needs no round trip. */
export interface LineMemory {
  /** Keeps what a page brought: bodies until they are asked for, revisions as known to the server. */
  keepPage(page: ChangesPage): void;
  /** Takes a body out. */
  takeBody(id: string, rev: string): StoredDocument | undefined;
  /** The server has taken this revision, or has refused it: either way it need not be sent again. */
  know(id: string, rev: string): void;
  /** Whether the server has told of this revision itself, or was told of it. */
  isKnown(id: string, rev: string): boolean;
}

/** The replicator works on one page while it reads up to two ahead. */
const PAGES_KEPT = 4;
/** Beyond this the server is asked again: memory must not grow with what is pulled. */
const REVISIONS_KEPT = 100_000;

/** @param partition the center's own: only of its documents it is ever asked what the server knows. */
export function createLineMemory(partition: string): LineMemory {
  const pages: Map<string, StoredDocument>[] = [];
  const known = new Set<string>();
  return {
    keepPage({ results }) {
      const bodies = new Map<string, StoredDocument>();
      for (const row of results) {
        const isOwn = partitionOf(row.id) === partition && known.size < REVISIONS_KEPT;
        if (isOwn) for (const { rev } of row.changes) known.add(keyOf(row.id, rev));
        if (row.doc?._rev) bodies.set(keyOf(row.id, row.doc._rev), row.doc);
        delete row.doc;
      }
      pages.push(bodies);
      if (pages.length > PAGES_KEPT) pages.shift();
    },
    takeBody(id, rev) {
      const key = keyOf(id, rev);
      for (const bodies of pages) {
        const doc = bodies.get(key);
        if (doc && bodies.delete(key)) return doc;
      }
      return undefined;
    },
    know: (id, rev) => void known.add(keyOf(id, rev)),
    isKnown: (id, rev) => known.has(keyOf(id, rev)),
  };
}

function keyOf(id: string, rev: string): string {
  return `${id}\n${rev}`;
}
