import { join } from 'node:path';
import PouchDB from 'pouchdb';
import leveldbAdapter from 'pouchdb-adapter-leveldb';
import { tempFolder } from '../harness/temp-folder.ts';

/** What to pull, as the process's one argument in JSON. */
export interface ReplicateJob {
  source: string;
  options: PouchDB.Replication.ReplicateOptions;
}

export interface Replicated {
  documents: number;
  seconds: number;
}

/** A stock PouchDB client on LevelDB pulls a replica into an empty folder; prints what it measured. */
PouchDB.plugin(leveldbAdapter);
const { source, options } = JSON.parse(process.argv[2] as string) as ReplicateJob;
await using folder = await tempFolder('cbt-bench-replica');
const replica = new PouchDB(join(folder.path, 'replica'), { adapter: 'leveldb' });
await replica.info();
const remote = new PouchDB(source, { skip_setup: true });
const start = performance.now();
await replica.replicate.from(remote, options);
const seconds = (performance.now() - start) / 1000;
const { doc_count } = await replica.info();
await replica.close();
console.log(JSON.stringify({ documents: doc_count, seconds } satisfies Replicated));
