import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import type { StoredDocument } from '../../../replication/documents.ts';
import type { ServerParts } from '../../parts.ts';
import { LISTED_DIFFERENCES, type MirrorDifference, type Verification } from '../store.ts';
import { type Fact, factOf } from './documents.ts';
import { confirmedKey, DATA_PATTERNS, RESULT_PATTERN, resultKey, sessionsKey } from './keys.ts';

const PAGE = 500;

/** Compares sessions, confirmations and results with the hub; a difference is named by its key. */
export async function verifyRedis(client: Redis, { hub }: Pick<ServerParts, 'hub'>): Promise<Verification> {
  const counts = { sessions: { hub: 0, mirror: 0 }, results: { hub: 0, mirror: 0 } };
  const differences: MirrorDifference[] = [];
  const known = new Set<string>();
  let center = { id: '', sessions: new Map<string, string>(), confirmed: new Set<string>() };
  const closeCenter = async () => {
    if (center.id === '') return;
    known.add(sessionsKey(center.id)).add(confirmedKey(center.id));
    const held = await client.hgetall(sessionsKey(center.id));
    counts.sessions.mirror += Object.keys(held).length;
    differences.push(...compare(sessionsKey(center.id), held, Object.fromEntries(center.sessions)));
    const confirmed = (await client.smembers(confirmedKey(center.id))).sort();
    if (!isDeepStrictEqual(confirmed, [...center.confirmed].sort())) {
      differences.push({ id: confirmedKey(center.id), problem: 'different' });
    }
  };
  for await (const fact of factsOf(hub)) {
    if (fact.centerId !== center.id) {
      await closeCenter();
      center = { id: fact.centerId, sessions: new Map(), confirmed: new Set() };
    }
    if (fact.kind === 'confirmed') center.confirmed.add(fact.enrollmentId);
    if (fact.kind === 'session') {
      counts.sessions.hub += 1;
      center.sessions.set(fact.enrollmentId, fact.status ?? '');
    }
    if (fact.kind !== 'result') continue;
    const key = resultKey(fact.enrollmentId);
    counts.results.hub += 1;
    known.add(key);
    const held = await client.hgetall(key);
    if (Object.keys(held).length === 0) differences.push({ id: key, problem: 'missing' });
    else if (!isDeepStrictEqual(held, fact.fields)) differences.push({ id: key, problem: 'different' });
  }
  await closeCenter();
  for (const pattern of DATA_PATTERNS) {
    for await (const keys of scan(client, pattern, PAGE)) {
      if (pattern === RESULT_PATTERN) counts.results.mirror += keys.length;
      const extra = keys.filter((key) => !known.has(key));
      differences.push(...extra.map((id) => ({ id, problem: 'extra' as const })));
    }
  }
  const listed = differences.slice(0, LISTED_DIFFERENCES);
  return { counts, differences: listed, more: listed.length < differences.length };
}

function compare(
  key: string,
  held: Record<string, string>,
  wanted: Record<string, string>,
): MirrorDifference[] {
  const ids = new Set([...Object.keys(held), ...Object.keys(wanted)]);
  return [...ids].flatMap((id) => {
    if (held[id] === wanted[id]) return [];
    const problem = held[id] === undefined ? 'missing' : wanted[id] === undefined ? 'extra' : 'different';
    return [{ id: `${key} ${id}`, problem }];
  });
}

/** What the hub's documents stand for, center by center. */
async function* factsOf(hub: ServerParts['hub']): AsyncGenerator<Fact> {
  let startkey = 'center-';
  for (;;) {
    const { rows } = await hub.db.allDocs({
      startkey,
      endkey: 'center-\uffff',
      include_docs: true,
      limit: PAGE,
    });
    for (const { id, doc } of rows) {
      const fact = factOf(id, doc as StoredDocument);
      if (fact) yield fact;
    }
    if (rows.length < PAGE) return;
    startkey = `${rows.at(-1)?.id}\u0000`;
  }
}

/** Keys of a pattern, in batches without blocking the server. */
export async function* scan(client: Redis, pattern: string, count: number): AsyncGenerator<string[]> {
  let cursor = '0';
  do {
    const [next, keys] = await client.scan(cursor, 'MATCH', pattern, 'COUNT', count);
    if (keys.length > 0) yield [...new Set(keys)];
    cursor = next;
  } while (cursor !== '0');
}
