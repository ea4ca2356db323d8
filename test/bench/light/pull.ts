import { type Connection, openConnection } from './connection.ts';
import type { PullJob, Transfer } from './job.ts';

const BATCH = 1000;
const DOCUMENT_MARK = '"_revisions"';

interface Changes {
  results: { id: string; changes: { rev: string }[] }[];
  last_seq: string | number;
}

/** All centers pull everything at once, as a replicator does: `_changes`, then `_bulk_get` with revisions. */
export async function pullAll(job: PullJob, go: () => Promise<void>): Promise<Transfer> {
  const connections = job.targets.map(({ url, authorization }) => openConnection(url, authorization));
  // A credential costs its scrypt once; that is no part of pulling.
  for (const connection of connections) await connection.send('GET', '');
  await go();
  const start = performance.now();
  const pulled = await Promise.all(connections.map(pull));
  const seconds = (performance.now() - start) / 1000;
  for (const connection of connections) connection.close();
  return {
    documents: pulled.reduce((sum, { documents }) => sum + documents, 0),
    bytes: pulled.reduce((sum, { bytes }) => sum + bytes, 0),
    seconds,
  };
}

async function pull(connection: Connection): Promise<{ documents: number; bytes: number }> {
  let since: string | number = 0;
  let documents = 0;
  let bytes = 0;
  for (;;) {
    const path = `/_changes?style=all_docs&limit=${BATCH}&since=${encodeURIComponent(since)}`;
    const changes = JSON.parse((await connection.send('GET', path)).toString()) as Changes;
    if (changes.results.length === 0) return { documents, bytes };
    const docs = changes.results.flatMap(({ id, changes: leaves }) => leaves.map(({ rev }) => ({ id, rev })));
    const answer = await connection.send('POST', '/_bulk_get?revs=true', JSON.stringify({ docs }));
    documents += countDocuments(answer);
    bytes += answer.length;
    since = changes.last_seq;
    if (changes.results.length < BATCH) return { documents, bytes };
  }
}

/** Counts without parsing, so that the clients leave the machine to the server. */
function countDocuments(answer: Buffer): number {
  let count = 0;
  for (let at = answer.indexOf(DOCUMENT_MARK); at >= 0; at = answer.indexOf(DOCUMENT_MARK, at + 1))
    count += 1;
  return count;
}
