import type { StoredDocument } from '../../replication/documents.ts';
import { revisionsOf } from '../../replication/revisions.ts';
import type { Hub } from '../hub.ts';

/** Ancestors whose attachments a stub may refer to, from the nearest on. */
const ANCESTORS_TRIED = 20;

/**
 * Why the stubs of a document refer to nothing of its own: the hub keeps attachments by their digests alone, so that a
 * stub would bring any attachment there is, another center's too. `undefined` when leaves or ancestors have them.
 */
export async function foreignStub(
  hub: Hub['db'],
  doc: StoredDocument,
  newEdits: boolean,
): Promise<string | undefined> {
  const stubs = Object.entries(doc._attachments ?? {}).filter(([, { stub }]) => stub);
  if (stubs.length === 0) return undefined;
  const own = new Set<string | undefined>();
  for (const version of await versionsOf(hub, doc, newEdits)) {
    for (const { digest } of Object.values(version._attachments ?? {})) own.add(digest);
  }
  const foreign = stubs.find(([, { digest }]) => !own.has(digest));
  return foreign && `attachment ${JSON.stringify(foreign[0])}: no revision of the document has it`;
}

/** The document's leaves, and what the hub still has of the revisions that it was made of. */
async function versionsOf(hub: Hub['db'], doc: StoredDocument, newEdits: boolean): Promise<StoredDocument[]> {
  const { _id: id, _rev, _revisions } = doc;
  const leaves = await leavesOf(hub, id);
  const known = !newEdits && _revisions ? revisionsOf(_revisions).slice(0, ANCESTORS_TRIED) : [_rev];
  const docs = known.flatMap((rev) => (rev === undefined ? [] : [{ id, rev }]));
  if (leaves.length === 0 || docs.length === 0) return leaves;
  const { results } = await hub.bulkGet({ docs });
  const found = results.flatMap((result) => result.docs.flatMap((one) => ('ok' in one ? [one.ok] : [])));
  return [...leaves, ...(found as StoredDocument[])];
}

async function leavesOf(hub: Hub['db'], id: string): Promise<StoredDocument[]> {
  const answers = await hub.get(id, { open_revs: 'all' }).catch((error: { status?: number }) => {
    if (error.status !== 404) throw error;
    return [];
  });
  return answers.flatMap((answer) => ('ok' in answer ? [answer.ok as StoredDocument] : []));
}
