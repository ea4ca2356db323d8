import { isDeepStrictEqual } from 'node:util';
import type { StoredDocument } from '../../replication/documents.ts';
import { type ErrorCode, SyncError } from '../../replication/errors.ts';
import type { Hub } from '../hub.ts';

/** How often an edit is repeated on the newest revision before it is given up. */
const TRIES = 5;

/** The live documents of these ids, by id. */
export async function readDocuments(hub: Hub, ids: string[]): Promise<Map<string, StoredDocument>> {
  const found = new Map<string, StoredDocument>();
  if (ids.length === 0) return found;
  const { rows } = await hub.db.allDocs({ keys: ids, include_docs: true });
  for (const row of rows) {
    if ('doc' in row && row.doc && !row.value.deleted) found.set(row.id, row.doc as StoredDocument);
  }
  return found;
}

/**
 * Writes what `edit` makes of a document as it stands, once more on the newest revision when another was faster.
 * @returns whether anything was written: an edit that changes nothing writes nothing.
 */
export async function editDocument(
  hub: Hub,
  id: string,
  edit: (found: StoredDocument | undefined) => StoredDocument,
): Promise<boolean> {
  for (let tries = 1; ; tries += 1) {
    const found = (await readDocuments(hub, [id])).get(id);
    const doc = edit(found);
    if (isDeepStrictEqual(doc, found)) return false;
    const [outcome] = await hub.write([doc], { newEdits: true });
    if (outcome && 'ok' in outcome) return true;
    if (outcome?.error === 'conflict' && tries < TRIES) continue;
    throw new SyncError((outcome?.error as ErrorCode) ?? 'internal_error', `${id}: ${outcome?.reason}`);
  }
}
