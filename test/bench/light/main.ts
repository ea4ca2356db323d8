import { createInterface } from 'node:readline';
import type { LightJob } from './job.ts';
import { pullAll } from './pull.ts';
import { pushAll } from './push.ts';
import { saveAll } from './save.ts';
import { waitAll } from './wait.ts';

/**
 * The light clients' process: its job is the first line of standard input. It writes a line when it is prepared,
 * begins at the end of its input, and then writes what it measured.
 */
const input = createInterface(process.stdin)[Symbol.asyncIterator]();
const job = JSON.parse(String((await input.next()).value)) as LightJob;
console.log(JSON.stringify(await run(job)));

async function go(): Promise<void> {
  console.log('"prepared"');
  await input.next();
}

function run(job: LightJob): Promise<unknown> {
  if (job.kind === 'pull') return pullAll(job, go);
  if (job.kind === 'push') return pushAll(job, go);
  if (job.kind === 'save') return saveAll(job, go);
  return waitAll(job, go);
}
