import type { StoredDocument } from '../../replication/documents.ts';
import { makePackageId } from '../../replication/package/manifest.ts';
import { type RevisionLine, writePackage } from '../../replication/package/write.ts';
import { mayWriteId } from '../../replication/permissions.ts';
import type { Database } from '../../replication/pouch.ts';
import { ZERO } from '../../replication/sequence-order.ts';
import { keysMissing, type NodeIdentity } from '../identity.ts';
import type { NodeState, StateSpace } from '../state.ts';
import type { RoundParts } from '../sync/round.ts';

const CHANGES_READ = 200;

/**
 * The package for the server: what was written here and is not known to be online, or all that is written here.
 * @throws SyncError not_ready while the server's key is not known.
 */
export async function makeResultsPackage(
  parts: RoundParts & { identity: NodeIdentity; state: NodeState },
  { all }: { all: boolean },
): Promise<{ name: string; bytes: AsyncIterable<Uint8Array> }> {
  const { centerId, instanceId, replica, unpushed, marks, identity } = parts;
  if (identity.serverPackageKey === undefined) throw keysMissing();
  await parts.flushWork();
  await parts.logbook.flush();
  const { db } = replica;
  const [seq, uuid] = [Number((await db.info()).update_seq), await replica.uuid()];
  await unpushed.noted(seq);
  const since = all ? 0 : unpushed.mark;
  const isWanted = (id: string) => mayWriteId(centerId, id) && (all || unpushed.has(id));
  const packageId = makePackageId();
  const manifest = {
    kind: 'results' as const,
    centerId,
    packageId,
    madeBy: `node ${instanceId}`,
    madeAt: new Date().toISOString(),
    since: since === 0 ? ZERO : `${since}-${uuid}`,
    through: `${seq}-${uuid}`,
    ...(marks.since === null ? {} : { reached: marks.since }),
  };
  const content = { manifest, revisions: leavesSince(db, since, seq, isWanted) };
  const keys = { signing: identity.privateKey, recipients: [identity.serverPackageKey] };
  const name = `${centerId}-results-${manifest.madeAt.slice(0, 10)}-${packageId.slice(0, 8)}.cbtpkg`;
  await packagesMade(parts.state).put(packageId, manifest.through);
  await parts.logbook.note('package made', { packageId, since: manifest.since });
  return { name, bytes: writePackage(content, keys) };
}

/** The packages that this node has made, with the sequence that each leads up to: those that receipts may confirm. */
export function packagesMade(state: NodeState): StateSpace<string> {
  return state.space<string>('package-made');
}

/** All leaves of the documents that were changed last in this span. */
async function* leavesSince(
  db: Database,
  since: number,
  until: number,
  isWanted: (id: string) => boolean,
): AsyncGenerator<RevisionLine> {
  for (let from = since; ; ) {
    const { results } = await db.changes({ since: from, limit: CHANGES_READ, style: 'all_docs' });
    const rows = results.filter(({ id, seq }) => Number(seq) <= until && isWanted(id));
    for (const doc of await readLeaves(db, rows)) yield { id: doc._id, json: JSON.stringify(doc) };
    const last = results.at(-1);
    if (!last || Number(last.seq) >= until) return;
    from = Number(last.seq);
  }
}

async function readLeaves(
  db: Database,
  rows: readonly { id: string; changes: { rev: string }[] }[],
): Promise<StoredDocument[]> {
  if (rows.length === 0) return [];
  const docs = rows.flatMap(({ id, changes }) => changes.map(({ rev }) => ({ id, rev })));
  const options = { docs, revs: true, attachments: true } as PouchDB.Core.BulkGetOptions;
  const { results } = await db.bulkGet(options);
  return results.flatMap((result) =>
    result.docs.flatMap((answer) => ('ok' in answer ? [answer.ok as StoredDocument] : [])),
  );
}
