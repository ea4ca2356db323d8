import type { StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import type { WriteOutcome } from '../../replication/group-commit.ts';
import { parseId } from '../../replication/ids.ts';
import { mayWriteId, refusalOf } from '../../replication/permissions.ts';
import { parseRevision, revisionsOf } from '../../replication/revisions.ts';
import { unstorable } from '../../replication/storable.ts';
import { isWithdrawalRevision } from '../feed/withdrawal.ts';
import type { ServerParts } from '../parts.ts';
import { foreignStub } from './stubs.ts';
import { findTooLate } from './too-late.ts';

/** Ancestors that are tried, from the nearest on, to see what an enrollment was changed from. */
const ANCESTORS_TRIED = 20;
/** Writes what a center sends; each document that may not be stored is refused alone and kept in the quarantine. */
export type WriteForCenter = (
  centerId: string,
  docs: readonly StoredDocument[],
  options: { newEdits: boolean },
) => Promise<WriteOutcome[]>;

export function createCenterWrites(parts: ServerParts): WriteForCenter {
  const { hub, quarantine, origins } = parts;

  async function refuse(
    centerId: string,
    doc: StoredDocument,
    reason: string,
    options: { newEdits: boolean },
  ): Promise<WriteOutcome> {
    // A revision that the hub has already carries nothing that could be lost.
    if (options.newEdits || !(await isKnown(hub.db, doc)))
      await quarantine.add(centerId, doc, reason, options);
    return { id: doc._id, error: 'forbidden', reason, status: 403 };
  }

  /** What becomes of a document that is not to be written; `undefined` for one that is. */
  async function judge(
    centerId: string,
    doc: StoredDocument,
    late: string | undefined,
    newEdits: boolean,
  ): Promise<WriteOutcome | undefined> {
    if (!newEdits && doc._rev && isWithdrawalRevision(doc._id, doc._rev)) {
      return { ok: true, id: doc._id, rev: doc._rev };
    }
    const reason = unstorable(doc, newEdits) ?? (await refusal(hub.db, centerId, doc, newEdits));
    const lateness = reason ?? late;
    // A revision that is stored already, or was accepted from the quarantine, is only repeated.
    const repeated = reason === undefined && lateness !== undefined && !newEdits;
    if (lateness !== undefined && !(repeated && (await isKnown(hub.db, doc)))) {
      return refuse(centerId, doc, lateness, { newEdits });
    }
    const foreign = await foreignStub(hub.db, doc, newEdits);
    return foreign === undefined
      ? undefined
      : { id: doc._id, error: 'missing_stub', reason: foreign, status: 412 };
  }

  return async (centerId, docs, { newEdits }) => {
    const outcomes: WriteOutcome[] = new Array(docs.length);
    const admitted: { doc: StoredDocument; index: number }[] = [];
    const late = await findTooLate(parts, centerId, docs);
    for (const [index, doc] of docs.entries()) {
      const outcome = await judge(centerId, doc, late.get(doc), newEdits);
      if (outcome === undefined) admitted.push({ doc, index });
      else outcomes[index] = outcome;
    }
    // Before the write: the resolver may come to a new leaf as soon as it is there.
    if (!newEdits)
      await origins.record(
        centerId,
        admitted.map(({ doc }) => doc),
      );
    const written = await hub.write(
      admitted.map(({ doc }) => doc),
      { newEdits },
    );
    if (newEdits) await origins.record(centerId, storedOf(admitted, written));
    for (const [place, { index }] of admitted.entries()) outcomes[index] = written[place] as WriteOutcome;
    return outcomes;
  };
}

/** What was stored, each document with the revision that it got. */
function storedOf(admitted: readonly { doc: StoredDocument }[], written: WriteOutcome[]): StoredDocument[] {
  return admitted.flatMap(({ doc }, index) => {
    const outcome = written[index];
    return outcome && 'ok' in outcome ? [{ ...doc, _rev: outcome.rev }] : [];
  });
}

/** One document's outcome as an answer. @throws SyncError when it was not stored. */
export function storedOrThrow(outcome: WriteOutcome | undefined): { ok: true; id: string; rev: string } {
  if (outcome === undefined) throw new SyncError('internal_error', 'the write has no outcome');
  if ('ok' in outcome) return outcome;
  if (outcome.error === 'forbidden') throw new SyncError('forbidden', outcome.reason);
  if (outcome.status === 409) throw new SyncError('conflict', 'Document update conflict.');
  if (outcome.status === 412) throw new SyncError('missing_stub', outcome.reason);
  if (outcome.status === 404) throw new SyncError('not_found', 'missing');
  throw new SyncError(outcome.status < 500 ? 'bad_request' : 'internal_error', outcome.reason);
}

type Hubs = ServerParts['hub']['db'];

async function refusal(
  hub: Hubs,
  centerId: string,
  doc: StoredDocument,
  newEdits: boolean,
): Promise<string | undefined> {
  const type = mayWriteId(centerId, doc._id) ? parseId(doc._id)?.type : undefined;
  if (type === 'enrollment') {
    const reason = refusalOf(centerId, doc, await changedFrom(hub, doc, newEdits));
    if (reason !== undefined || !(await isDeletedOnline(hub, doc))) return reason;
    return 'the enrollment was moved or taken out online';
  }
  const isChange = (type === 'result' || type === 'log') && isLaterRevision(doc, newEdits);
  return refusalOf(centerId, doc, isChange ? doc : undefined);
}

function isLaterRevision({ _rev }: StoredDocument, newEdits: boolean): boolean {
  if (_rev === undefined) return false;
  return newEdits || (parseRevision(_rev)?.generation ?? 0) > 1;
}

/** The version that a write was made on: the nearest ancestor whose body the hub still has, else the winner. */
async function changedFrom(
  hub: Hubs,
  doc: StoredDocument,
  newEdits: boolean,
): Promise<StoredDocument | undefined> {
  const history = doc._revisions ? revisionsOf(doc._revisions).slice(1, 1 + ANCESTORS_TRIED) : [];
  const revs = newEdits ? (doc._rev ? [doc._rev] : []) : history;
  const bodies = await readBodies(
    hub,
    revs.map((rev) => ({ id: doc._id, rev })),
  );
  const nearest = revs.map((rev) => bodies.find((body) => body._rev === rev)).find(Boolean);
  return nearest ?? (await readBodies(hub, [{ id: doc._id }]))[0];
}

/** A change made on an older version beats a tombstone, and would bring back at this center what moved to another. */
async function isDeletedOnline(hub: Hubs, doc: StoredDocument): Promise<boolean> {
  const [row] = (await hub.allDocs({ keys: [doc._id] })).rows;
  if (!row || !('value' in row) || !row.value.deleted) return false;
  return !(doc._revisions ? revisionsOf(doc._revisions) : [doc._rev]).includes(row.value.rev);
}

async function readBodies(hub: Hubs, docs: { id: string; rev?: string }[]): Promise<StoredDocument[]> {
  if (docs.length === 0) return [];
  const { results } = await hub.bulkGet({ docs } as PouchDB.Core.BulkGetOptions);
  const answers = results.flatMap((result) => result.docs);
  return answers.flatMap((answer) => ('ok' in answer ? [answer.ok as StoredDocument] : []));
}

async function isKnown(hub: Hubs, doc: StoredDocument): Promise<boolean> {
  if (typeof doc._rev !== 'string' || !parseRevision(doc._rev) || !parseId(doc._id)) return false;
  const diff = await hub.revsDiff({ [doc._id]: [doc._rev] });
  return diff[doc._id] === undefined;
}
