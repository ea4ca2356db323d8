import type { Document } from 'mongodb';
import type { StoredDocument } from '../../../replication/documents.ts';
import { formatId, parseId } from '../../../replication/ids.ts';
import { readDocuments } from '../../control/hub-documents.ts';
import type { HubChange } from '../../hub-follower.ts';
import type { ServerParts } from '../../parts.ts';
import { CANDIDATE_TYPES, collectionOf, mirrored, type SourceIds, sourceIdsOf } from './documents.ts';

/** What a batch of the hub's changes makes of the mirror: a document, or `undefined` for none, by id. */
export type Targets = Map<string, Document | undefined>;

type Parts = Pick<ServerParts, 'hub' | 'feed'>;

/** A document of the hub with its losing leaves. */
interface Source {
  doc: StoredDocument | undefined;
  conflicts: string[];
}

/**
 * A candidate's session, answers and result carry the service's ids of the enrollment, so they are written again
 * when the enrollment changes, whichever came first.
 */
export async function targetsOf(parts: Parts, changes: readonly HubChange[]): Promise<Targets> {
  const sources = new Map<string, Source>();
  for (const { id, doc, conflicts } of changes) {
    if (collectionOf(id)) sources.set(id, { doc: doc?._deleted ? undefined : doc, conflicts });
  }
  await addCandidates(parts, sources);
  return toTargets(parts, sources);
}

/** The same for documents that are read for it, such as to verify the mirror. */
export async function toTargets(parts: Parts, sources: Map<string, Source>): Promise<Targets> {
  const ids = await enrollmentIds(parts, sources);
  const targets: Targets = new Map();
  for (const [id, { doc, conflicts }] of sources) {
    const own = ids.get(enrollmentOf(id) ?? '') ?? sourceIdsOf(doc);
    targets.set(id, doc && mirrored(doc, conflicts, own));
  }
  return targets;
}

async function addCandidates({ hub, feed }: Parts, sources: Map<string, Source>): Promise<void> {
  const ids = [...sources.keys()].flatMap((id) => {
    const parts = parseId(id);
    if (parts?.type !== 'enrollment') return [];
    return CANDIDATE_TYPES.map((type) => formatId(parts.partition, type, parts.key));
  });
  if (ids.length === 0) return;
  await feed.fresh();
  const entries = await feed.entries(ids);
  const there = ids.filter((id, index) => entries[index] && !sources.has(id));
  for (const [id, source] of await readSources(hub, there)) sources.set(id, source);
}

/** Documents by id, with their losing leaves; those that are not there are `undefined`. */
export async function readSources(hub: Parts['hub'], ids: string[]): Promise<Map<string, Source>> {
  const sources = new Map<string, Source>();
  if (ids.length === 0) return sources;
  const { rows } = await hub.db.allDocs({ keys: ids, include_docs: true, conflicts: true });
  for (const row of rows) {
    const found = 'doc' in row ? (row.doc as StoredDocument | null | undefined) : undefined;
    const { _conflicts: conflicts = [], ...doc } = found ?? { _id: row.key };
    sources.set(row.key, { doc: found && !doc._deleted ? doc : undefined, conflicts });
  }
  return sources;
}

/**
 * The service's ids of the enrollments that candidates' documents belong to, by the enrollments' own ids. The feed's
 * index has the enrollments at hand; the hub is asked only for those that it has not.
 */
async function enrollmentIds(
  { hub, feed }: Parts,
  sources: Map<string, Source>,
): Promise<Map<string, SourceIds>> {
  const wanted = [...new Set([...sources.keys()].flatMap((id) => enrollmentOf(id) ?? []))];
  const ids = new Map<string, SourceIds>();
  if (wanted.length === 0) return ids;
  await feed.fresh();
  const [bodies, entries] = await Promise.all([feed.bodies(wanted), feed.entries(wanted)]);
  const asked = wanted.filter((_, index) => entries[index] && !bodies[index]);
  for (const [index, id] of wanted.entries()) {
    const body = bodies[index]?.body;
    if (body?.includes('"sourceIds"')) ids.set(id, sourceIdsOf(JSON.parse(body) as StoredDocument));
  }
  for (const [id, doc] of await readDocuments(hub, asked)) ids.set(id, sourceIdsOf(doc));
  return ids;
}

/** The enrollment that a candidate's document belongs to. */
export function enrollmentOf(id: string): string | undefined {
  const parts = parseId(id);
  if (!parts || !CANDIDATE_TYPES.some((type) => type === parts.type)) return undefined;
  return formatId(parts.partition, 'enrollment', parts.key);
}
