import { collectionOf, mirrored } from '../../../server/mirrors/mongo/documents.ts';
import { answersDocument, centerDocument, enrollmentDocument } from '../../harness/documents.ts';
import { startMongo } from '../../harness/mongo.ts';
import { startServer } from '../../harness/server.ts';
import { until } from '../../harness/until.ts';
import { mirrorStatus } from '../../mirrors/world.ts';
import { counted, type Measurement, perSecond, scaled, times } from '../row.ts';

const DOCUMENTS = 50_000;
const IMPORTED_AT_ONCE = 10_000;
/** As many as the mirror writes in a batch. */
const BATCH = 2000;
const PATIENCE_MS = 600_000;

/** The whole hub into an empty MongoDB, beside what a bare `bulkWrite` of the same documents reaches there. */
export const mirrorFromZero: Measurement = {
  name: 'mirror',
  description: 'a mirror of 50,000 documents in MongoDB from zero',
  async measure(scale, say) {
    const count = scaled(DOCUMENTS, scale);
    await using mongo = await startMongo();
    await using server = await startServer();
    say('filling the hub');
    for (let from = 0; from < count; from += IMPORTED_AT_ONCE) {
      await server.importDocuments(hubDocuments(from, Math.min(count, from + IMPORTED_AT_ONCE)));
    }
    await server.stop();
    say('bare bulkWrite');
    const bareBefore = await bareRate(mongo, 'before', count);
    say('mirroring');
    const env = { MONGODB_URI: mongo.uri('mirror') };
    await using mirroring = await startServer({ dataDir: server.dataDir, env });
    const rate = await rateOf(mirroring, count);
    say('bare bulkWrite again');
    // Other programs may slow one part of the run: before and after make one figure.
    const bare = (bareBefore + (await bareRate(mongo, 'after', count))) / 2;
    const ratio = rate / bare;
    return [
      {
        what: `mirror of ${counted(count)} documents into MongoDB (${mongo.kind}) from zero; stock: a bare bulkWrite`,
        ours: perSecond(rate),
        stock: perSecond(bare),
        ratio: times(ratio),
        target: '≥ 5,000/s or 0.8×',
        met: rate >= 5000 || ratio >= 0.8,
      },
    ];
  },
};

function hubDocuments(from: number, to: number) {
  const docs = [centerDocument('LAG-1')];
  for (let n = from; n < to; n += 1) {
    docs.push(
      n % 2 === 0 ? enrollmentDocument('LAG-1', 'SCI-P1', n) : answersDocument('LAG-1', 'SCI-P1', n, 3),
    );
  }
  return docs;
}

/** From when the mirror has begun to when it has all. */
async function rateOf(server: Awaited<ReturnType<typeof startServer>>, count: number): Promise<number> {
  const first = await until(
    async () => {
      const { mirrored } = await mirrorStatus(server);
      return mirrored > 0 && { mirrored, at: performance.now() };
    },
    { what: 'the mirror has begun', withinMs: PATIENCE_MS },
  );
  await until(async () => (await mirrorStatus(server)).mirrored >= count, {
    what: 'the mirror has all',
    withinMs: PATIENCE_MS,
  });
  return (count - first.mirrored) / ((performance.now() - first.at) / 1000);
}

/** Writes the same documents into a database of their own, with nothing else to do. */
async function bareRate(
  mongo: Awaited<ReturnType<typeof startMongo>>,
  database: string,
  count: number,
): Promise<number> {
  const db = mongo.client.db(database);
  let ms = 0;
  for (let from = 0; from < count; from += BATCH) {
    const docs = hubDocuments(from, Math.min(count, from + BATCH)).map((doc) => mirrored(doc, [], {}));
    const batch = Map.groupBy(docs, ({ _id }) => collectionOf(_id));
    const start = performance.now();
    for (const [name, ofCollection] of batch) {
      if (name === undefined) continue;
      const operations = ofCollection.map((document) => ({ insertOne: { document } }));
      await db.collection(name).bulkWrite(operations, { ordered: false });
    }
    ms += performance.now() - start;
  }
  return count / (ms / 1000);
}
