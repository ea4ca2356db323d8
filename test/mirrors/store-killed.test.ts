import { expect, test } from 'vitest';
import { startMongo } from '../harness/mongo.ts';
import { startServer } from '../harness/server.ts';
import {
  caughtUp,
  centerDocuments,
  contentOf,
  DATABASE,
  fromZero,
  markIn,
  movedOn,
  openLastingHub,
  writeChanges,
} from './world.ts';

const KILLS = 6;
const CHANGES_EACH = 500;
const LONG_MS = 180_000;

test(
  'the store is killed six times during 3,000 changes',
  async () => {
    await using mongo = await startMongo();
    await using hub = await openLastingHub();
    await hub.db.bulkDocs(centerDocuments() as never);
    await using server = await startServer({ env: { ...hub.env, MONGODB_URI: mongo.uri(DATABASE) } });
    for (let kill = 0; kill < KILLS; kill += 1) {
      const mark = await markIn(mongo);
      const written = writeChanges(hub.db, kill * CHANGES_EACH, CHANGES_EACH);
      await movedOn(mongo, mark);
      await mongo.kill();
      await written;
      // What is asked of the server has nothing to do with its mirror.
      expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
      await mongo.start();
    }
    await caughtUp(server);
    expect(await contentOf(mongo, DATABASE)).toEqual(await fromZero(hub, mongo));
  },
  LONG_MS,
);
