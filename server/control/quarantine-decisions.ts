import { createHash } from 'node:crypto';
import { checkDocument, type StoredDocument } from '../../replication/documents.ts';
import { SyncError } from '../../replication/errors.ts';
import { parseRevision } from '../../replication/revisions.ts';
import { unstorable } from '../../replication/storable.ts';
import type { ServerParts } from '../parts.ts';
import { foreignStub } from '../replica/stubs.ts';
import { storedOrThrow } from '../replica/writes.ts';
import type { QuarantinedWrite } from './quarantine.ts';

/** What an administrator decides on a write that was refused. */
export interface Verdict {
  key: string;
  decision: 'accept' | 'return';
  note?: string | undefined;
  /** The address that the decision came from. */
  from: string;
}

/** Decides on a quarantined write, once. */
export type Decide = (verdict: Verdict) => Promise<QuarantinedWrite>;

/**
 * An accepted write is in the hub before it counts as accepted, so that a decision that was cut off can be repeated.
 * @throws SyncError not_found for an unknown key, conflict when it is decided already, and bad_request for a document
 * that no reader could use.
 */
export function createDecisions(parts: ServerParts): Decide {
  const { hub, feed, quarantine, audit } = parts;
  const underWay = new Set<string>();

  async function decideOne({ key, decision, note, from }: Verdict): Promise<QuarantinedWrite> {
    const entry = await quarantine.get(key);
    if (!entry) throw new SyncError('not_found', `nothing in quarantine has the key ${key}`);
    if (entry.state !== 'waiting') throw new SyncError('conflict', `it was ${entry.state} already`);
    if (decision === 'accept') {
      const doc = acceptedRevision(entry);
      const foreign = await foreignStub(hub.db, doc, false);
      if (foreign !== undefined) throw unacceptable(foreign);
      const [outcome] = await hub.write([doc], { newEdits: false });
      storedOrThrow(outcome);
      await feed.fresh();
    }
    const state = decision === 'accept' ? 'accepted' : 'returned';
    const decided = {
      state,
      decidedAt: new Date().toISOString(),
      ...(note !== undefined && { note }),
    } as const;
    await quarantine.decide(entry, decided);
    const { centerId, id: documentId, rev, reason } = entry;
    const details = { rev, reason, ...(note !== undefined && { note }) };
    await audit.append({
      action: `quarantine.${state}`,
      actor: 'admin',
      from,
      centerId,
      documentId,
      details,
    });
    return { ...entry, ...decided };
  }

  return async (verdict) => {
    if (underWay.has(verdict.key)) throw new SyncError('conflict', 'it is being decided at this moment');
    underWay.add(verdict.key);
    try {
      return await decideOne(verdict);
    } finally {
      underWay.delete(verdict.key);
    }
  };
}

/**
 * The revision to be stored: as it came where it has one. A write that was to be given its revision gets one that is
 * made of it, on top of the revision it was made on; where the document has gone on since, it stands beside that.
 */
function acceptedRevision({ doc, rev }: QuarantinedWrite): StoredDocument {
  const replicated = doc._rev === rev;
  const [issue] = doc._deleted ? [] : checkDocument(doc);
  const wrong = unstorable(doc, !replicated) ?? (issue && `${issue.field}: ${issue.reason}`);
  if (wrong) throw unacceptable(wrong);
  if (replicated) return doc;
  const parent = doc._rev === undefined ? undefined : parseRevision(doc._rev);
  const start = (parent?.generation ?? 0) + 1;
  const hash = createHash('md5').update(JSON.stringify(doc)).digest('hex');
  const ids = parent ? [hash, parent.hash] : [hash];
  return { ...doc, _rev: `${start}-${hash}`, _revisions: { start, ids } };
}

function unacceptable(reason: string): SyncError {
  return new SyncError('bad_request', `it can only be returned: ${reason}`);
}
