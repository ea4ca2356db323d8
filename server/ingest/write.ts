import { isDeepStrictEqual } from 'node:util';
import { checkDocument, type StoredDocument } from '../../replication/documents.ts';
import { type ErrorCode, SyncError } from '../../replication/errors.ts';
import { readDocuments } from '../control/hub-documents.ts';
import type { Hub } from '../hub.ts';
import type { Fault, Origin } from './entries.ts';

/** Why a document is left as it is. */
export class Refusal {
  readonly field: string;
  readonly reason: string;

  constructor(field: string, reason: string) {
    this.field = field;
    this.reason = reason;
  }
}

/** What one document of the hub shall become. */
export interface Change {
  id: string;
  /** Whose fault it is when it cannot be. */
  origin: Origin;
  /** The registry knows of no such document: it is written without reading it first. If it is there, that shows. */
  fresh?: boolean;
  /** The document to have, made of the one that is there; `undefined` for none. */
  target(found: StoredDocument | undefined): StoredDocument | Refusal | undefined;
}

/** What has been done, or in a dry run would be. */
export interface Applied {
  written: number;
  unchanged: number;
  deleted: number;
  faults: Fault[];
}

interface Write {
  change: Change;
  doc: StoredDocument;
}

/** How often a document that others change meanwhile is tried again. */
const TRIES = 5;

/** Brings documents to their targets; what is as it shall be is not written. @throws SyncError when the hub fails. */
export async function applyChanges(
  hub: Hub,
  changes: readonly Change[],
  options: { dry: boolean },
): Promise<Applied> {
  const applied: Applied = { written: 0, unchanged: 0, deleted: 0, faults: [] };
  let pending = changes;
  for (let tries = 1; pending.length > 0; tries += 1) {
    const unread = pending.filter(({ fresh }) => options.dry || tries > 1 || !fresh);
    const found = await readDocuments(
      hub,
      unread.map(({ id }) => id),
    );
    const writes = pending.flatMap((change) => writesOf(change, found.get(change.id), applied));
    if (options.dry) {
      for (const { doc } of writes) applied[doc._deleted ? 'deleted' : 'written'] += 1;
      return applied;
    }
    const lost = await write(hub, writes, applied);
    if (tries < TRIES) pending = lost;
    else return { ...applied, faults: [...applied.faults, ...lost.map(contested)] };
  }
  return applied;
}

function contested({ origin, id }: Change): Fault {
  return {
    ...originOf(origin),
    field: '',
    reason: `${id} is changed by others all the time: import it again`,
  };
}

/** None or one write; counts what needs none. */
function writesOf(change: Change, found: StoredDocument | undefined, applied: Applied): Write[] {
  const target = change.target(found);
  if (target instanceof Refusal) {
    applied.faults.push({ ...originOf(change.origin), field: target.field, reason: target.reason });
    return [];
  }
  if (!target) {
    if (!found) return [];
    return [{ change, doc: { _id: change.id, _rev: found._rev as string, _deleted: true } }];
  }
  const [issue] = checkDocument(target);
  if (issue) {
    applied.faults.push({ ...originOf(change.origin), ...issue });
    return [];
  }
  if (found && isSameContent(target, found)) {
    applied.unchanged += 1;
    return [];
  }
  const doc: StoredDocument = { _id: change.id, ...contentOf(target) };
  if (found?._rev) doc._rev = found._rev;
  if (found?._attachments) doc._attachments = found._attachments;
  return [{ change, doc }];
}

/** @returns the changes that lost against another writer. */
async function write(hub: Hub, writes: readonly Write[], applied: Applied): Promise<Change[]> {
  const deletions = writes.filter(({ doc }) => doc._deleted);
  await deleteLosers(hub, deletions);
  // First out, then in: whenever the process ends, an enrollment that moves is never in two places.
  const lost = await writeAll(hub, deletions, applied);
  const rest = writes.filter(({ doc }) => !doc._deleted);
  return [...lost, ...(await writeAll(hub, rest, applied))];
}

async function writeAll(hub: Hub, writes: readonly Write[], applied: Applied): Promise<Change[]> {
  const outcomes = await hub.write(
    writes.map(({ doc }) => doc),
    { newEdits: true },
  );
  const lost: Change[] = [];
  for (const [index, outcome] of outcomes.entries()) {
    const { change, doc } = writes[index] as Write;
    if ('ok' in outcome) applied[doc._deleted ? 'deleted' : 'written'] += 1;
    else if (outcome.error === 'conflict') lost.push(change);
    else if (outcome.error === 'forbidden') {
      applied.faults.push({ ...originOf(change.origin), field: '', reason: outcome.reason });
    } else throw new SyncError(outcome.error as ErrorCode, `${outcome.id}: ${outcome.reason}`);
  }
  return lost;
}

/** A document in conflict is gone only when all its leaves are: without this a losing leaf would come to light. */
async function deleteLosers(hub: Hub, deletions: readonly Write[]): Promise<void> {
  const keys = deletions.map(({ doc }) => doc._id);
  if (keys.length === 0) return;
  const { rows } = await hub.db.allDocs({ keys, include_docs: true, conflicts: true });
  const losers = rows.flatMap((row) => {
    const leaves = 'doc' in row ? ((row.doc as StoredDocument | null)?._conflicts ?? []) : [];
    return leaves.map((rev) => ({ _id: row.key, _rev: rev, _deleted: true }));
  });
  for (const loser of losers) await hub.write([loser], { newEdits: true });
}

/** Whether two documents say the same, whatever their revisions and the order of their fields. */
export function isSameContent(a: StoredDocument, b: StoredDocument): boolean {
  return isDeepStrictEqual(contentOf(a), contentOf(b));
}

/** A document without what the database adds. */
export function contentOf(doc: StoredDocument): Record<string, unknown> {
  return Object.fromEntries(Object.entries(doc).filter(([field]) => !field.startsWith('_')));
}

/** A change keeps the entry it came from; a fault names only where that stood. */
export function originOf({ file, line }: Origin): Origin {
  return file === undefined ? { line } : { file, line };
}
