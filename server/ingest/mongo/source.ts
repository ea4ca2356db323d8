import {
  BSON,
  type ChangeStream,
  type ChangeStreamDocument,
  type Collection,
  type Db,
  type Document,
  MongoServerError,
  ObjectId,
} from 'mongodb';
import { mongoDatabase } from '../../mongo-client.ts';
import { idText, type SourceDocument } from './entries.ts';
import { CHANGED_FIELD, type CollectionMapping, MAPPINGS } from './mapping.ts';

const PAGE = 500;
/** How many documents wait to be taken, at most: the rest waits at the source. */
const WAITING = 2000;
/** The history that a resume token points into is gone. */
const HISTORY_LOST = new Set([260, 280, 286]);

/** The registration service's database, read only. */
export interface Source extends AsyncDisposable {
  /** Documents changed since a time (all without one), a collection after the other, in batches. */
  read(since: Date | undefined): AsyncIterable<SourceDocument[]>;
  /** Documents of a collection by id; those that are not there come without their content. */
  get(mapping: CollectionMapping, ids: readonly string[]): Promise<SourceDocument[]>;
  ids(mapping: CollectionMapping): Promise<Set<string>>;
  /**
   * Opens a change stream, after `token` or at the present. @throws HistoryLost when it cannot go on there.
   * @returns `undefined` where the server has no change streams.
   */
  watch(token: unknown): Promise<SourceStream | undefined>;
}

/** Changes as they come. */
export interface SourceStream extends AsyncDisposable {
  /** Where it goes on after all that `take` has given. */
  readonly token: unknown;
  /** Waits until there is something; resolves also when the stream has ended. */
  wait(signal: AbortSignal): Promise<void>;
  /** All that has come, the newest of each document. @throws what ended the stream, once it has given all. */
  take(): SourceDocument[];
}

/** A change stream that cannot go on where it stopped. */
export class HistoryLost extends Error {}

export function openSource(uri: string): Source {
  const database = mongoDatabase(uri, { appName: 'cbt-sync ingest' });
  const { db } = database;

  return {
    async *read(since) {
      for (const mapping of MAPPINGS) yield* readCollection(db, mapping, since);
    },
    async get(mapping, ids) {
      const wanted = ids.flatMap(idsOfText);
      const filter = { _id: { $in: wanted as never[] } };
      const found = await collectionOf(db, mapping).find(filter).toArray();
      const docs = new Map(found.map((doc) => [idText(doc._id), doc]));
      return ids.map((id) => ({ mapping, id, doc: docs.get(id) }));
    },
    async ids(mapping) {
      const cursor = collectionOf(db, mapping).find({}, { projection: { _id: 1 } });
      const ids = new Set<string>();
      for await (const { _id } of cursor) ids.add(idText(_id) as string);
      return ids;
    },
    async watch(token) {
      await database.connect();
      return openStream(db, token);
    },
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Every `_id` that has this text. */
function idsOfText(id: string): unknown[] {
  if (id.startsWith('{')) return [id, ...fieldsOfText(id)];
  const isNumber = Number.isFinite(Number(id));
  return [id, ...(isNumber ? [Number(id)] : []), ...(ObjectId.isValid(id) ? [new ObjectId(id)] : [])];
}

function fieldsOfText(id: string): object[] {
  try {
    return [BSON.EJSON.parse(id) as object];
  } catch {
    return [];
  }
}

type Found = Document & { _id: unknown };

function collectionOf(db: Db, { collection }: CollectionMapping): Collection<Found> {
  return db.collection<Found>(collection);
}

async function* readCollection(
  db: Db,
  mapping: CollectionMapping,
  since: Date | undefined,
): AsyncGenerator<SourceDocument[]> {
  const filter = since === undefined ? {} : { [CHANGED_FIELD]: { $gte: since } };
  let batch: SourceDocument[] = [];
  for await (const doc of collectionOf(db, mapping).find(filter as object)) {
    batch.push({ mapping, id: idText(doc._id) as string, doc });
    if (batch.length < PAGE) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function openStream(db: Db, token: unknown): Promise<SourceStream | undefined> {
  const names = MAPPINGS.map(({ collection }) => collection);
  const pipeline = [{ $match: { 'ns.coll': { $in: names } } }];
  const resume = token === undefined ? {} : { resumeAfter: token };
  const stream = db.watch(pipeline, { fullDocument: 'updateLookup', ...resume });
  try {
    // The stream begins where it is first asked, so that nothing is missed that is written from here on.
    const first = await stream.tryNext();
    return streamOf(stream, first, first ? token : stream.resumeToken);
  } catch (error) {
    await stream.close();
    if (!(error instanceof MongoServerError)) throw error;
    if (token !== undefined && isHistoryLost(error)) throw new HistoryLost(error.message);
    if (error.hasErrorLabel('RetryableError') || error.hasErrorLabel('ResumableChangeStreamError'))
      throw error;
    return undefined;
  }
}

function isHistoryLost({ code, message }: MongoServerError): boolean {
  return HISTORY_LOST.has(Number(code)) || /resume (token|point)/i.test(message);
}

/** @param before where the stream goes on as long as nothing was taken. */
function streamOf(stream: ChangeStream, first: ChangeStreamDocument | null, before: unknown): SourceStream {
  const waiting = new Map<string, SourceDocument>();
  let token = before;
  let received = before;
  let ended: unknown;
  let came = Promise.withResolvers<void>();
  let taken = Promise.withResolvers<void>();

  function add(change: ChangeStreamDocument): void {
    received = change._id;
    if (!('documentKey' in change)) return;
    const mapping = MAPPINGS.find(({ collection }) => collection === change.ns.coll);
    const id = idText(change.documentKey._id);
    if (!mapping || id === undefined) return;
    const doc = 'fullDocument' in change ? change.fullDocument : undefined;
    waiting.set(`${mapping.collection}/${id}`, { mapping, id, doc });
    came.resolve();
  }

  async function pump(): Promise<void> {
    try {
      if (first) add(first);
      while (!stream.closed) {
        if (waiting.size >= WAITING) await taken.promise;
        add(await stream.next());
      }
    } catch (error) {
      ended = error;
    }
    ended ??= new Error('the change stream was closed');
    came.resolve();
  }

  const pumping = pump();
  return {
    get token() {
      return token;
    },
    async wait(signal) {
      const done = () => came.resolve();
      signal.addEventListener('abort', done, { once: true });
      if (waiting.size === 0 && ended === undefined && !signal.aborted) await came.promise;
      signal.removeEventListener('abort', done);
    },
    take() {
      const all = [...waiting.values()];
      if (all.length === 0 && ended !== undefined) throw ended;
      waiting.clear();
      token = received;
      came = Promise.withResolvers();
      taken.resolve();
      taken = Promise.withResolvers();
      return all;
    },
    async [Symbol.asyncDispose]() {
      taken.resolve();
      await stream.close();
      await pumping;
    },
  };
}
