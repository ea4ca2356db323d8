import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import PouchDB from 'pouchdb';
import leveldbAdapter from 'pouchdb-adapter-leveldb';
import { tempFolder } from '../harness/temp-folder.ts';
import type { Replicated } from './replicate.ts';

/** A stock PouchDB on LevelDB writes the documents of an NDJSON file into an empty database; prints what it measured. */
PouchDB.plugin(leveldbAdapter);
const BATCH = 2000;
const lines = readFileSync(process.argv[2] as string, 'utf8')
  .trimEnd()
  .split('\n');
const docs = lines.map((line) => JSON.parse(line) as { _id: string });
await using folder = await tempFolder('cbt-bench-bulk');
const database = new PouchDB(join(folder.path, 'replica'), { adapter: 'leveldb' });
await database.info();
const start = performance.now();
for (let from = 0; from < docs.length; from += BATCH) {
  await database.bulkDocs(docs.slice(from, from + BATCH), { new_edits: false });
}
const seconds = (performance.now() - start) / 1000;
const { doc_count } = await database.info();
await database.close();
console.log(JSON.stringify({ documents: doc_count, seconds } satisfies Replicated));
