import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BSON, type Document, ObjectId } from 'mongodb';
import type { StoredDocument } from '../../replication/documents.ts';
import type { IngestStatus } from '../../server/ingest/mongo/ingest.ts';
import type { IngestError } from '../../server/ingest/mongo/memory.ts';
import { ROOT } from '../harness/child.ts';
import type { MongoServer } from '../harness/mongo.ts';
import { type ServerProcess, startServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';

const SAMPLE = join(ROOT, 'test/sample-service');
const COLLECTIONS = ['subjects', 'testcenters', 'questions', 'tests', 'users', 'testenrollments'];
export const DATABASE = 'registration';
/** A source without change streams is read often: tests wait for it. */
const POLL = { INGEST_POLL_SECONDS: '0.1' };

/** The registration service: its database with the sample in it. */
export interface Service {
  readonly uri: string;
  /** The `_id` of a document of the sample. */
  id(collection: 'subjects' | 'testcenters' | 'tests' | 'users' | 'testenrollments', n: number): ObjectId;
  /** Changes a document as the service does: with a new `updatedAt`. */
  update(collection: string, id: ObjectId | string | object, fields: Document): Promise<void>;
  insert(collection: string, ...docs: Document[]): Promise<void>;
  delete(collection: string, id: ObjectId): Promise<void>;
  /** An enrollment of the sample under another number, not yet inserted. */
  enrollment(n: number, fields?: Document): Document;
  /** Inserts so many questions. @returns their ids. */
  fillBank(count: number): Promise<ObjectId[]>;
  /** The first test of the sample under another number, with these questions, not yet inserted. */
  test(n: number, questions: ObjectId[]): Document;
  find(collection: string, id: ObjectId): Promise<Document | null>;
}

const PREFIXES = { subjects: '5a', testcenters: 'ce', tests: '7e', users: '5d', testenrollments: 'e0' };

/** @param database one of its own for each of several services on the same server. */
export async function fillService(mongo: MongoServer, database = DATABASE): Promise<Service> {
  const db = mongo.client.db(database);
  for (const name of COLLECTIONS) await db.collection(name).insertMany(sample(name));
  const id: Service['id'] = (collection, n) =>
    new ObjectId(PREFIXES[collection] + n.toString(16).padStart(22, '0'));
  return {
    uri: mongo.uri(database),
    id,
    async update(collection, _id, fields) {
      const filter = { _id: _id as ObjectId };
      await db.collection(collection).updateOne(filter, { $set: { ...fields, updatedAt: new Date() } });
    },
    async insert(collection, ...docs) {
      const stamped = docs.map((doc) => ({ ...doc, updatedAt: new Date() }));
      await db.collection(collection).insertMany(stamped);
    },
    async delete(collection, _id) {
      await db.collection(collection).deleteOne({ _id });
    },
    enrollment: (n, fields = {}) => ({
      ...(sample('testenrollments')[0] as Document),
      _id: id('testenrollments', n),
      enrollmentId: `E${String(n).padStart(3, '0')}`,
      accessCode: `CODE${String(n).padStart(4, '0')}`,
      seat: n,
      ...fields,
    }),
    async fillBank(count) {
      const [first] = sample('questions');
      const questions = Array.from({ length: count }, (_, n) => ({
        ...first,
        _id: new ObjectId(),
        questionId: `BANK-${n + 1}`,
      }));
      await db.collection('questions').insertMany(questions);
      return questions.map(({ _id }) => _id);
    },
    test: (n, questions) => ({ ...sample('tests')[0], _id: id('tests', n), testId: `SCI-P${n}`, questions }),
    find: (collection, _id) => db.collection(collection).findOne({ _id }),
  };
}

function sample(name: string): Document[] {
  const lines = readFileSync(join(SAMPLE, `${name}.ndjson`), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => BSON.EJSON.parse(line) as Document);
}

/** A server that takes from the service, once it has read all that was there. */
export async function startIngesting(
  service: Service,
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const server = await startServer({ env: { INGEST_MONGODB_URI: service.uri, ...POLL, ...env } });
  await followed(server);
  return server;
}

/** Waits until a server has read what was there and follows what comes. */
export async function followed(server: ServerProcess): Promise<IngestStatus> {
  return until(
    async () => {
      const status = await server.api.request<IngestStatus>('GET', '/api/ingest');
      return (status.state === 'streaming' || status.state === 'polling') && status;
    },
    { what: 'ingest follows the service', withinMs: 60_000 },
  );
}

export async function hubDocument(server: ServerProcess, id: string): Promise<StoredDocument | undefined> {
  const headers = { authorization: `Bearer ${server.adminToken}` };
  const answer = await fetch(`${server.url}/couch/cbt/${encodeURIComponent(id)}`, { headers });
  const body = (await answer.json()) as StoredDocument;
  return answer.ok ? body : undefined;
}

/** Waits until a document of the hub is as it must be. */
export function hubHas(
  server: ServerProcess,
  id: string,
  isRight: (doc: StoredDocument | undefined) => boolean,
): Promise<true> {
  return until(async () => isRight(await hubDocument(server, id)) || undefined, {
    what: `${id} is right`,
    withinMs: 60_000,
  });
}

export async function ingestErrors(server: ServerProcess): Promise<IngestError[]> {
  return (await server.api.request<{ errors: IngestError[] }>('GET', '/api/ingest/errors')).errors;
}

/** The sequence of the hub's last change. */
export async function hubSequence(server: ServerProcess): Promise<unknown> {
  const info = await server.api.request<{ update_seq: unknown }>('GET', '/couch/cbt');
  return info.update_seq;
}
