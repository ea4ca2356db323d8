import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { centerShare, wholeTest } from '../harness/documents.ts';
import { type CenterAccess, type RunningServer, startServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { expectEqual, openStockReplica } from './world.ts';

const KILLS = 20;

test(`a server killed ${KILLS} times while it indexes ends with the index it would have had`, async () => {
  await using server = await startServer();
  const center = await server.addCenter('L-1');
  await server.importDocuments([...wholeTest('T', 300), ...centerShare('L-1', 'T', 200)]);
  await server.importDocuments(centerShare('L-10', 'T', 3000, 50_000));
  await server.assign('T', 'L-1');
  await using replica = await openStockReplica();
  await replica.db.replicate.from(center.replicaUrl, { batch_size: 200 });

  let killedBehind = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    // Half of the time the index is to be built from nothing, else it has to follow what comes in.
    if (kill === 0) await server.kill();
    if (kill % 2 === 0) await rm(join(server.dataDir, 'feed'), { recursive: true });
    await server.start().catch(() => {});
    const importing = server.importDocuments(centerShare('L-1', 'T', 40, 10_000 + kill * 100)).then(
      () => true,
      () => false,
    );
    await delay((kill * 23) % 200);
    if (!(await isReady(server))) killedBehind += 1;
    await server.kill();
    await importing;
  }
  await server.start();
  await replica.db.replicate.from(center.replicaUrl, { batch_size: 200 });
  await expectEqual(server, 'L-1', ['T'], replica.db);

  expect(killedBehind).toBeGreaterThan(KILLS / 4);

  const survived = await digestOf(server, center);
  await server.stop();
  await rm(join(server.dataDir, 'feed'), { recursive: true });
  await server.start();
  expect(await digestOf(server, center)).toEqual(survived);
}, 120_000);

async function isReady(server: RunningServer): Promise<boolean> {
  return (await fetch(`${server.url}/health/ready`)).ok;
}

/** What the index says of the center's partitions. */
async function digestOf(server: RunningServer, center: CenterAccess): Promise<object> {
  return until(
    async () => {
      const answer = await fetch(`${server.url}/replicas/${center.centerId}/_digest`, {
        headers: { authorization: center.authorization },
      });
      return answer.ok && ((await answer.json()) as { partitions: object }).partitions;
    },
    { what: 'the index is built' },
  );
}
