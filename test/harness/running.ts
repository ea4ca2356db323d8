import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningProcess } from '../../replication/running.ts';
import type { Child } from './child.ts';
import { until } from './until.ts';

/** Waits until the process has announced itself; fails at once, with what it wrote, when it ends instead. */
export async function announced(dataDir: string, child: Child): Promise<RunningProcess> {
  const announcement = until(
    async () => {
      const text = await readFile(join(dataDir, 'running.json'), 'utf8').catch(() => undefined);
      const running = text ? (JSON.parse(text) as RunningProcess & { pid: number }) : undefined;
      // An older process that was killed has left its own.
      return running?.pid === child.pid && running;
    },
    { what: `process ${child.pid} announces itself in ${dataDir}` },
  );
  const failure = child.exited.then((exit): never => {
    throw new Error(`ended with ${exit.code ?? exit.signal} instead of serving:\n${exit.output}`);
  });
  // Whichever comes second is of no interest.
  announcement.catch(() => {});
  failure.catch(() => {});
  return Promise.race([announcement, failure]);
}
