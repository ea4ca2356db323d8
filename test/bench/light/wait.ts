import { studentDocument } from '../../harness/documents.ts';
import { type Connection, openConnection } from './connection.ts';
import type { Arrivals, LightTarget, WaitJob } from './job.ts';

interface Changes {
  results: { id: string }[];
  last_seq: string | number;
}

/** All centers wait on a longpoll; documents are written one by one, each for one center. */
export async function waitAll(job: WaitJob, go: () => Promise<void>): Promise<Arrivals> {
  const arrived = new Map<string, () => void>();
  const waiters = job.targets.map((target) => openConnection(target.url, target.authorization));
  const starts = await inGroups(job.targets, 50, (target, index) =>
    lastSequence(waiters[index] as Connection, queryFor(job, target)),
  );
  let stopped = false;
  const waits = job.targets.map(async (target, index) => {
    const connection = waiters[index] as Connection;
    let since = starts[index] as string | number;
    while (!stopped) {
      const path = `/_changes?feed=longpoll&heartbeat=30000&since=${encodeURIComponent(since)}${queryFor(job, target)}`;
      const changes = JSON.parse((await connection.send('GET', path)).toString()) as Changes;
      for (const { id } of changes.results) arrived.get(id)?.();
      since = changes.last_seq;
    }
  });
  for (const wait of waits) wait.catch(() => {});
  // Every longpoll has reached the server when this process is asked to write.
  await go();
  const latenciesMs = await writeOneByOne(job, arrived);
  stopped = true;
  for (const connection of waiters) connection.close();
  return { latenciesMs: latenciesMs.sort((a, b) => a - b) };
}

async function writeOneByOne(job: WaitJob, arrived: Map<string, () => void>): Promise<number[]> {
  const hub = openConnection(job.hubUrl, job.hubAuthorization);
  const latencies: number[] = [];
  for (let n = 0; n < job.writes; n += 1) {
    const target = job.targets[(n * 7919) % job.targets.length] as LightTarget;
    const doc = studentDocument(target.centerId, 900_000 + n);
    let arrivedAt = 0;
    const arrival = new Promise<void>((resolve) => {
      arrived.set(doc._id, () => {
        arrivedAt = performance.now();
        resolve();
      });
    });
    await hub.send('PUT', `/${encodeURIComponent(doc._id)}`, JSON.stringify(doc));
    const acknowledgedAt = performance.now();
    await arrival;
    latencies.push(Math.max(0, arrivedAt - acknowledgedAt));
  }
  hub.close();
  return latencies;
}

async function lastSequence(connection: Connection, query: string): Promise<string | number> {
  const answer = await connection.send('GET', `/_changes?since=now&limit=1${query}`);
  return (JSON.parse(answer.toString()) as Changes).last_seq;
}

function queryFor(job: WaitJob, target: LightTarget): string {
  return job.query.replaceAll('{center}', target.centerId);
}

async function inGroups<Item, Result>(
  items: Item[],
  size: number,
  run: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < items.length; from += size) {
    const group = items.slice(from, from + size);
    results.push(...(await Promise.all(group.map((item, index) => run(item, from + index)))));
  }
  return results;
}
