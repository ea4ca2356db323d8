import { createHash } from 'node:crypto';
import { answersDocument } from '../../harness/documents.ts';
import { type Connection, openConnection } from './connection.ts';
import type { PushJob, Transfer } from './job.ts';

interface Batch {
  revsDiff: string;
  bulkDocs: string;
}

/** All centers push their answer sheets at once, as a replicator does: `_revs_diff`, then `_bulk_docs`. */
export async function pushAll(job: PushJob, go: () => Promise<void>): Promise<Transfer> {
  const clients = job.targets.map(({ url, authorization, centerId }) => ({
    connection: openConnection(url, authorization),
    batch: batchOf(centerId, job),
  }));
  for (const { connection } of clients) await connection.send('GET', '');
  await go();
  const start = performance.now();
  await Promise.all(clients.map(({ connection, batch }) => push(connection, batch, job.sheets)));
  const seconds = (performance.now() - start) / 1000;
  for (const { connection } of clients) connection.close();
  return {
    documents: job.sheets * clients.length,
    bytes: clients.reduce((sum, { batch }) => sum + batch.bulkDocs.length, 0),
    seconds,
  };
}

function batchOf(centerId: string, job: PushJob): Batch {
  const missing: Record<string, string[]> = {};
  const docs: string[] = [];
  for (let n = 1; n <= job.sheets; n += 1) {
    const doc = answersDocument(centerId, 'SCI-P1', n, job.questionsPerSheet);
    const hash = createHash('md5').update(doc._id).digest('hex');
    missing[doc._id] = [`1-${hash}`];
    docs.push(JSON.stringify({ ...doc, _rev: `1-${hash}`, _revisions: { start: 1, ids: [hash] } }));
  }
  return { revsDiff: JSON.stringify(missing), bulkDocs: `{"new_edits":false,"docs":[${docs.join(',')}]}` };
}

async function push(connection: Connection, batch: Batch, sheets: number): Promise<void> {
  const diff = JSON.parse(
    (await connection.send('POST', '/_revs_diff', batch.revsDiff)).toString(),
  ) as object;
  if (Object.keys(diff).length !== sheets) throw new Error('_revs_diff: not all sheets are missing');
  const refused = JSON.parse(
    (await connection.send('POST', '/_bulk_docs', batch.bulkDocs)).toString(),
  ) as object[];
  if (refused.some((outcome) => 'error' in outcome))
    throw new Error(`refused: ${JSON.stringify(refused[0])}`);
}
