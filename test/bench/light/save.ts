import { openConnection } from './connection.ts';
import type { SaveJob, Saves } from './job.ts';

/**
 * Candidates save answers at once: each its next as soon as the one before is acknowledged, or, with `intervalMs`, at
 * that pace whatever the acknowledgements do. Latencies count from when a save was due.
 */
export async function saveAll(job: SaveJob, go: () => Promise<void>): Promise<Saves> {
  const clients = job.candidates.map((candidate) => ({
    ...candidate,
    connection: openConnection(job.url, undefined),
  }));
  for (const { connection } of clients) await connection.send('GET', job.hello);
  await go();
  const latenciesMs: number[] = [];
  const start = performance.now();
  const endsAt = start + job.seconds * 1000;
  await Promise.all(
    clients.map(async ({ connection, path, body, n: first }, index) => {
      const phaseMs = job.intervalMs === undefined ? 0 : (index / clients.length) * job.intervalMs;
      let rev: string | undefined;
      for (let n = 0; ; n += 1) {
        const dueAt = job.intervalMs === undefined ? performance.now() : start + phaseMs + n * job.intervalMs;
        if (dueAt >= endsAt) return;
        const waitMs = dueAt - performance.now();
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        const text = body.replace('{n}', String(first + n));
        const sent = rev === undefined ? text : `{"_rev":"${rev}",${text.slice(1)}`;
        const answer = JSON.parse(
          (await connection.send('PUT', path[n % path.length] as string, sent)).toString(),
        );
        if (job.revisions) rev = (answer as { rev: string }).rev;
        latenciesMs.push(performance.now() - dueAt);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  for (const { connection } of clients) connection.close();
  return { saves: latenciesMs.length, seconds, latenciesMs: latenciesMs.sort((a, b) => a - b) };
}
