import { BSON, type Db, type Document } from 'mongodb';
import { canonicalHash } from '../../../replication/canonical.ts';
import type { ServerParts } from '../../parts.ts';
import { LISTED_DIFFERENCES, type MirrorDifference, type Verification } from '../store.ts';
import { collectionOf, MIRRORED_COLLECTIONS } from './documents.ts';
import { readSources, type Targets, toTargets } from './read-hub.ts';

const PAGE = 500;

type Parts = Pick<ServerParts, 'hub' | 'feed'>;

/** Compares what is mirrored with what the hub makes of it now, by count and hash, and names what differs. */
export async function verifyMirror(db: Db, parts: Parts): Promise<Verification> {
  const counts = Object.fromEntries(MIRRORED_COLLECTIONS.map((name) => [name, { hub: 0, mirror: 0 }]));
  const differences: MirrorDifference[] = [];
  for await (const ids of mirroredIds(parts)) {
    const targets = await toTargets(parts, await readSources(parts.hub, ids));
    for (const id of targets.keys()) (counts[collectionOf(id) as string] as { hub: number }).hub += 1;
    differences.push(...(await compare(db, targets)));
  }
  for (const name of MIRRORED_COLLECTIONS) {
    const count = counts[name] as { mirror: number };
    for await (const ids of idsIn(db, name)) {
      count.mirror += ids.length;
      const sources = await readSources(parts.hub, ids);
      const extra = ids.filter((id) => !sources.get(id)?.doc);
      differences.push(...extra.map((id) => ({ id, problem: 'extra' as const })));
    }
  }
  const listed = differences.slice(0, LISTED_DIFFERENCES);
  return { counts, differences: listed, more: listed.length < differences.length };
}

/** Ids of the hub that are mirrored, in pages. */
async function* mirroredIds({ hub }: Parts): AsyncGenerator<string[]> {
  const prefix = 'center-';
  let startkey = prefix;
  for (;;) {
    const { rows } = await hub.db.allDocs({ startkey, endkey: `${prefix}\uffff`, limit: PAGE });
    const ids = rows.map(({ id }) => id).filter((id) => collectionOf(id));
    if (ids.length > 0) yield ids;
    if (rows.length < PAGE) return;
    startkey = `${rows.at(-1)?.id}\u0000`;
  }
}

async function compare(db: Db, targets: Targets): Promise<MirrorDifference[]> {
  const differences: MirrorDifference[] = [];
  for (const name of MIRRORED_COLLECTIONS) {
    const ids = [...targets.keys()].filter((id) => collectionOf(id) === name);
    if (ids.length === 0) continue;
    const found = await db
      .collection<{ _id: string }>(name)
      .find({ _id: { $in: ids } })
      .toArray();
    const hashes = new Map(found.map((doc) => [doc._id, hashOf(doc)]));
    for (const id of ids) {
      const target = targets.get(id);
      const hash = hashes.get(id);
      if (!target) continue;
      if (hash === undefined) differences.push({ id, problem: 'missing' });
      else if (hash !== hashOf(target)) differences.push({ id, problem: 'different' });
    }
  }
  return differences;
}

async function* idsIn(db: Db, name: string): AsyncGenerator<string[]> {
  const cursor = db.collection<{ _id: string }>(name).find({}, { projection: { _id: 1 } });
  let ids: string[] = [];
  for await (const { _id } of cursor) {
    ids.push(_id);
    if (ids.length < PAGE) continue;
    yield ids;
    ids = [];
  }
  if (ids.length > 0) yield ids;
}

/** The same for a document as it was sent and as it is read back; not of the term under which it was written. */
function hashOf({ mirror: _, ...doc }: Document): string {
  return canonicalHash(JSON.parse(BSON.EJSON.stringify(doc, { relaxed: true })));
}
