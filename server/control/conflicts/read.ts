import { baseOf } from '../../../replication/conflicts/decide.ts';
import { type Conflict, conflictOf } from '../../../replication/conflicts/leaves.ts';
import { documentOf, type RevisionWrite } from '../../../replication/conflicts/resolution.ts';
import type { StoredDocument } from '../../../replication/documents.ts';
import { parseId } from '../../../replication/ids.ts';
import type { Database } from '../../../replication/pouch.ts';
import type { Origin, Origins } from './origins.ts';

/** A conflict with the body of its common ancestor, where the hub has it. */
export interface ReadConflict {
  conflict: Conflict;
  base: StoredDocument | undefined;
}

/** What is read from. */
export interface Sources {
  db: Database;
  origins: Origins;
}

/** Reads documents whose leaves are known, in two requests however many there are. */
export async function readConflicts(
  sources: Sources,
  changes: readonly { id: string; revs: readonly string[] }[],
): Promise<ReadConflict[]> {
  const wanted = changes.flatMap(({ id, revs }) => revs.map((rev) => ({ id, rev })));
  const leaves = await readRevisions(sources.db, wanted, { revs: true });
  const found = changes.map(({ id }) => conflictOf(id, leaves.get(id) ?? []));
  await nameCenters(sources.origins, found);
  const ancestors = found.flatMap((conflict) => {
    const rev = conflict.live.length > 1 ? baseOf(conflict) : undefined;
    return rev === undefined ? [] : [{ id: conflict.id, rev }];
  });
  const bases = await readRevisions(sources.db, ancestors, {});
  return found.map((conflict) => ({ conflict, base: bases.get(conflict.id)?.[0] }));
}

/** Reads one document as it stands now, with all its leaves; `undefined` when the hub never had it. */
export async function readConflict(sources: Sources, id: string): Promise<ReadConflict | undefined> {
  const leaves = await readLeaves(sources.db, id);
  if (leaves.length === 0) return undefined;
  const conflict = conflictOf(id, leaves);
  await nameCenters(sources.origins, [conflict]);
  const rev = baseOf(conflict);
  const base =
    rev === undefined ? undefined : (await readRevisions(sources.db, [{ id, rev }], {})).get(id)?.[0];
  return { conflict, base };
}

/** The document that a write stores, with the bytes of its attachments: it has no parent that they could stand on. */
export async function completeDocument(
  db: Database,
  id: string,
  write: RevisionWrite,
): Promise<StoredDocument> {
  const doc = documentOf(id, write);
  const attached = Object.entries(write.content.attachments);
  if (attached.length === 0) return doc;
  const loaded = await Promise.all(
    attached.map(async ([name, { rev, name: source, contentType }]) => {
      const bytes = (await db.getAttachment(id, source, { rev })) as Buffer;
      return [name, { content_type: contentType, data: bytes.toString('base64') }] as const;
    }),
  );
  return { ...doc, _attachments: Object.fromEntries(loaded) };
}

/** A revision's document as people and the audit log get it. */
export function shown({ _revisions, ...doc }: StoredDocument): StoredDocument {
  return doc;
}

/** All leaves, deleted ones too, with their histories; none when the hub never had the document. */
async function readLeaves(db: Database, id: string): Promise<StoredDocument[]> {
  try {
    const answers = await db.get(id, { open_revs: 'all', revs: true });
    return answers.flatMap((answer) => ('ok' in answer ? [answer.ok as StoredDocument] : []));
  } catch (error) {
    if ((error as { status?: number }).status === 404) return [];
    throw error;
  }
}

async function readRevisions(
  db: Database,
  docs: { id: string; rev: string }[],
  options: { revs?: boolean },
): Promise<Map<string, StoredDocument[]>> {
  const found = new Map<string, StoredDocument[]>();
  if (docs.length === 0) return found;
  const { results } = await db.bulkGet({ docs, ...options });
  for (const { id, docs: answers } of results) {
    const read = answers.flatMap((answer) => ('ok' in answer ? [answer.ok as StoredDocument] : []));
    found.set(id, [...(found.get(id) ?? []), ...read]);
  }
  return found;
}

async function nameCenters(origins: Origins, conflicts: readonly Conflict[]): Promise<void> {
  const enrollments = conflicts.filter(({ id }) => parseId(id)?.type === 'enrollment');
  if (enrollments.length === 0) return;
  const known = await origins.of(enrollments.map(({ id }) => id));
  for (const [index, conflict] of enrollments.entries()) {
    nameCenter(conflict, known[index] ?? []);
  }
}

/** A branch is the center's from the first revision on that it sent; what all leaves come from tells nothing. */
function nameCenter(conflict: Conflict, known: readonly Origin[]): void {
  const base = baseOf(conflict);
  for (const leaf of [...conflict.live, ...conflict.deletions]) {
    const common = base === undefined ? -1 : leaf.revs.indexOf(base);
    const own = common < 0 ? leaf.revs : leaf.revs.slice(0, common);
    const origin = known.find(({ rev }) => own.includes(rev));
    if (origin) leaf.byCenter = { centerId: origin.centerId, at: origin.at };
  }
}
