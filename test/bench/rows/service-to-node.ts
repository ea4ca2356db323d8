import { setTimeout as delay } from 'node:timers/promises';
import { startMongo } from '../../harness/mongo.ts';
import { startNode } from '../../harness/node.ts';
import { startRedis } from '../../harness/redis.ts';
import { fillService, startIngesting } from '../../ingest-mongo/service.ts';
import { delayRow, followChanges } from '../changes-feed.ts';
import { type Measurement, scaled } from '../row.ts';

const INSERTS = 200;
const RESULTS = 200;
/** Changes come one by one, as they do on a day of registration. */
const PAUSE_MS = 25;
const CENTER = 'LAG-1';

/** Both ways between the registration service's databases and a connected center. */
export const serviceToNode: Measurement = {
  name: 'service',
  description: 'an enrollment from MongoDB to a node, a result from the node into MongoDB and Redis',
  async measure(scale, say) {
    await using mongo = await startMongo();
    await using redis = await startRedis();
    const service = await fillService(mongo);
    const env = { MONGODB_URI: service.uri, REDIS_URL: redis.url };
    await using server = await startIngesting(service, env);
    const access = await server.addCenter(CENTER);
    await using node = await startNode({ server: server.url, center: access, mode: 'continuous' });
    await using hub = await followChanges(`${server.url}/couch/cbt`, `Bearer ${server.adminToken}`);
    await using replica = await followChanges(node.replicaUrl);
    await node.replicate();

    say('enrollments');
    const toHub: number[] = [];
    const toNode: number[] = [];
    for (let n = 100; n < 100 + scaled(INSERTS, scale); n += 1) {
      const id = `center-${CENTER}:enrollment:E${n}`;
      const start = performance.now();
      await service.insert('testenrollments', service.enrollment(n));
      toHub.push((await hub.seen(id)) - start);
      toNode.push((await replica.seen(id)) - start);
      await delay(PAUSE_MS);
    }

    say('results');
    const toMongo: number[] = [];
    const toRedis: number[] = [];
    const completed = mongo.client.db('registration').collection<{ _id: string }>('completedTests');
    for (let n = 100; n < 100 + scaled(RESULTS, scale); n += 1) {
      const _id = `center-${CENTER}:result:E${n}`;
      const start = performance.now();
      const saved = await fetch(`${node.replicaUrl}/${_id}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ type: 'result', enrollmentId: `E${n}`, testId: 'MAT-P1', score: n }),
      });
      if (saved.status !== 201) throw new Error(`the node answered ${saved.status}`);
      const inMongo = async () => (await completed.findOne({ _id })) !== null;
      const inRedis = async () => (await redis.client.exists(`cbt:result:E${n}`)) === 1;
      await Promise.all([
        asSoonAs(inMongo).then((at) => toMongo.push(at - start)),
        asSoonAs(inRedis).then((at) => toRedis.push(at - start)),
      ]);
      await delay(PAUSE_MS);
    }
    return [
      delayRow(`an enrollment inserted in MongoDB (${mongo.kind}): in the hub, p99`, toHub, 1000),
      delayRow('  on a connected center’s node, p99', toNode, 2000),
      delayRow('a result saved at a connected node: in MongoDB, p99', toMongo, 2000),
      delayRow('  in Redis, p99', toRedis, 2000),
    ];
  },
};

const ASK_EVERY_MS = 5;
const PATIENCE_MS = 60_000;

/** @returns when it was so. */
async function asSoonAs(isSo: () => Promise<boolean>): Promise<number> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('a result was not mirrored');
    await delay(ASK_EVERY_MS);
  }
  return performance.now();
}
