import { isDeepStrictEqual } from 'node:util';
import { startMongo } from '../../harness/mongo.ts';
import { startServer } from '../../harness/server.ts';
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
} from '../../mirrors/world.ts';
import { counted, type Measurement, scaled } from '../row.ts';

const KILLS = 20;
const CHANGES = 10_000;

/** The mirror and its store are killed in turn while the hub changes. */
export const mirrorKills: Measurement = {
  name: 'kills',
  description: '20 kills of the mirror and 20 of its store during 10,000 changes',
  async measure(scale, say) {
    const changes = scaled(CHANGES, scale);
    const each = Math.ceil(changes / KILLS);
    await using mongo = await startMongo();
    await using hub = await openLastingHub();
    await hub.db.bulkDocs(centerDocuments() as never);
    await using server = await startServer({ env: { ...hub.env, MONGODB_URI: mongo.uri(DATABASE) } });
    for (let kill = 0; kill < KILLS; kill += 1) {
      say(`kill ${kill + 1}`);
      const mark = await markIn(mongo);
      const written = writeChanges(hub.db, kill * each, each);
      await movedOn(mongo, mark);
      await mongo.kill();
      await mongo.start();
      await server.kill();
      await written;
      await server.start();
    }
    await caughtUp(server);
    say('from zero');
    const equal = isDeepStrictEqual(await contentOf(mongo, DATABASE), await fromZero(hub, mongo));
    return [
      {
        what: `${KILLS} kills of the mirror and ${KILLS} of its store (${mongo.kind}) in ${counted(changes)} changes`,
        ours: equal ? 'equal' : 'differs',
        stock: '',
        ratio: '',
        target: 'as from zero',
        met: equal,
      },
    ];
  },
};
