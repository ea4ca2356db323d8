import type { Document } from 'mongodb';
import type { StoredDocument } from '../../replication/documents.ts';
import { type Database, pouchAt } from '../../replication/pouch.ts';
import type { MirrorStatus } from '../../server/mirrors/mirror.ts';
import { answersDocument, centerDocument, enrollmentDocument, resultDocument } from '../harness/documents.ts';
import type { MongoServer } from '../harness/mongo.ts';
import { openServerHere, type RunningServer, startServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

/** Ids collide by prefix on purpose. */
export const CENTERS = ['LAG-1', 'LAG-10', 'LAG-2'];
export const TEST = 'SCI-P1';
const PATIENCE_MS = 120_000;

/** A hub that outlives the servers whose mirrors are killed: another server's `/couch` stands for a CouchDB. */
export interface LastingHub extends AsyncDisposable {
  readonly db: Database;
  /** `HUB_URL` of the servers that mirror it. */
  readonly env: { HUB_URL: string; RESOLVE_CONFLICTS: string };
}

export async function openLastingHub(): Promise<LastingHub> {
  const couch = await openServerHere();
  const url = `http://admin:${couch.adminToken}@${new URL(couch.url).host}/couch/hub`;
  const db = pouchAt(url, { skip_setup: false });
  await db.info();
  return {
    db,
    // A resolution is a change of the hub too: each server would make its own in the middle of a comparison.
    env: { HUB_URL: url, RESOLVE_CONFLICTS: 'off' },
    async [Symbol.asyncDispose]() {
      await db.close();
      await couch[Symbol.asyncDispose]();
    },
  };
}

const pad = (n: number) => String(n).padStart(6, '0');

function sessionDocument(centerId: string, n: number, status: string): StoredDocument {
  const _id = `center-${centerId}:session:E${pad(n)}`;
  return { _id, type: 'session', enrollmentId: `E${pad(n)}`, testId: TEST, status };
}

function logDocument(centerId: string, n: number): StoredDocument {
  const _id = `center-${centerId}:log:node.${pad(n)}`;
  return { _id, type: 'log', at: '2026-12-07T08:00:00.000Z', event: `entry ${n}` };
}

/**
 * Writes `count` changes: documents of every mirrored type, changes and deletions of earlier ones, and leaves that
 * conflict. @param from the number of the first one; the same numbers make the same changes.
 */
export async function writeChanges(db: Database, from: number, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, index) => from + index);
  const docs = numbers.flatMap((n) => changeOf(n) ?? []);
  await db.bulkDocs(docs as never);
  const edits = numbers.filter((n) => n % 5 === 0 && n >= 50).map((n) => n - 45);
  await edit(
    db,
    edits.filter((n) => changeOf(n)).map((n) => (changeOf(n) as StoredDocument)._id),
  );
  const losers = numbers.filter((n) => n % 10 === 3).map((n) => changeOf(n) as StoredDocument);
  const leaves = losers.map((doc) => ({ ...doc, seat: -1, _rev: `1-${'0'.repeat(31)}1` }));
  await db.bulkDocs(leaves as never, { new_edits: false });
}

/** Every fifth number edits an earlier document instead of making one. */
function changeOf(n: number): StoredDocument | undefined {
  if (n % 5 === 0) return undefined;
  const centerId = CENTERS[n % CENTERS.length] as string;
  if (n % 5 === 1) return sessionDocument(centerId, n, 'running');
  if (n % 5 === 2) return answersDocument(centerId, TEST, n, 3);
  if (n % 10 === 4) return resultDocument(centerId, TEST, n);
  return n % 10 === 9 ? logDocument(centerId, n) : enrollmentDocument(centerId, TEST, n);
}

/** Changes a document, and deletes every third. */
async function edit(db: Database, ids: string[]): Promise<void> {
  const { rows } = await db.allDocs({ keys: ids, include_docs: true });
  const edits = rows.flatMap((row, index) => {
    const doc = 'doc' in row ? (row.doc as StoredDocument | null) : null;
    if (!doc) return [];
    return [index % 3 === 0 ? { ...doc, _deleted: true } : { ...doc, edited: index }];
  });
  await db.bulkDocs(edits as never);
}

/** The centers' own documents, which every server needs to know them. */
export function centerDocuments(): StoredDocument[] {
  return CENTERS.map(centerDocument);
}

export async function mirrorStatus(server: RunningServer, name = 'mongo'): Promise<MirrorStatus> {
  const { mirrors } = await server.api.request<{ mirrors: MirrorStatus[] }>('GET', '/api/mirrors');
  return mirrors.find((mirror) => mirror.name === name) as MirrorStatus;
}

/** Waits until a mirror is equal to the hub, as it says itself. */
export async function caughtUp(server: RunningServer, name = 'mongo'): Promise<void> {
  await until(
    async () => {
      // Comparing reads the hub and the store: it is left until the mirror is at its end.
      if ((await mirrorStatus(server, name)).behindDocuments !== 0) return false;
      const path = `/api/mirrors/${name}/verify`;
      const { equal } = await server.api.request<{ equal: boolean }>('POST', path);
      return equal;
    },
    { what: `the ${name} mirror has caught up`, withinMs: PATIENCE_MS },
  );
}

export const COLLECTIONS = ['enrollments', 'testSessions', 'studentAnswers', 'completedTests', 'systemLogs'];

/** All that is mirrored in a database, by collection and id, without the term under which it was written. */
export async function contentOf(mongo: MongoServer, database: string): Promise<Record<string, Document[]>> {
  const content: Record<string, Document[]> = {};
  for (const name of COLLECTIONS) {
    const docs = await mongo.client.db(database).collection(name).find({}).sort({ _id: 1 }).toArray();
    content[name] = docs.map(({ mirror: _, ...doc }) => doc);
  }
  return content;
}

/** What a mirror of the hub makes of it from zero, in a database of its own. */
export async function fromZero(hub: LastingHub, mongo: MongoServer): Promise<Record<string, Document[]>> {
  await using server = await startServer({ env: { ...hub.env, MONGODB_URI: mongo.uri('zero') } });
  await caughtUp(server);
  return contentOf(mongo, 'zero');
}

export const DATABASE = 'exams';

/** Waits until the mirror has got further than it was, so that a kill comes in the middle of its work. */
export async function movedOn(mongo: MongoServer, from: string): Promise<void> {
  await until(async () => (await markIn(mongo)) !== from, { what: 'the mark moves', withinMs: 60_000 });
}

export async function markIn(mongo: MongoServer): Promise<string> {
  const state = await mongo.client.db(DATABASE).collection('syncMirror').findOne({});
  return JSON.stringify(state?.mark ?? null);
}
