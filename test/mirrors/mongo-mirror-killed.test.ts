import { expect, test } from 'vitest';
import { type MongoServer, startMongo } from '../harness/mongo.ts';
import { type ServerProcess, startServer } from '../harness/server.ts';
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

interface Victim {
  kill(parts: { server: ServerProcess; mongo: MongoServer }): Promise<unknown>;
  /** Starts what was killed, when the changes that came meanwhile are written. */
  start(parts: { server: ServerProcess; mongo: MongoServer }): Promise<unknown>;
}

const VICTIMS: [string, Victim][] = [
  ['mirror', { kill: ({ server }) => server.kill(), start: ({ server }) => server.start() }],
  [
    'store',
    {
      kill: ({ mongo }) => mongo.kill(),
      async start({ server, mongo }) {
        // What is asked of the server has nothing to do with its mirror.
        expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
        await mongo.start();
      },
    },
  ],
];

test.each(VICTIMS)(
  'the %s is killed six times during 3,000 changes',
  async (_, victim) => {
    await using mongo = await startMongo();
    await using hub = await openLastingHub();
    await hub.db.bulkDocs(centerDocuments() as never);
    await using server = await startServer({ env: { ...hub.env, MONGODB_URI: mongo.uri(DATABASE) } });
    for (let kill = 0; kill < KILLS; kill += 1) {
      const mark = await markIn(mongo);
      const written = writeChanges(hub.db, kill * CHANGES_EACH, CHANGES_EACH);
      await movedOn(mongo, mark);
      await victim.kill({ server, mongo });
      await written;
      await victim.start({ server, mongo });
    }
    await caughtUp(server);
    expect(await contentOf(mongo, DATABASE)).toEqual(await fromZero(hub, mongo));
  },
  LONG_MS,
);
