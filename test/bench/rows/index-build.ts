import { startServer } from '../../harness/server.ts';
import { prepareHub, ready } from '../hubs.ts';
import { counted, type Measurement, perSecond, scaled } from '../row.ts';

/** The index of the center feed is derived data: how fast is it there again? */
export const indexBuild: Measurement = {
  name: 'index-build',
  description: 'building the feed index of 100,000 documents',
  async measure(scale, say) {
    const total = scaled(100_000, scale);
    await using hub = await prepareHub({
      centers: scaled(100, scale),
      ownDocuments: 500,
      testDocuments: 100,
      total,
    });
    say('without an index');
    const building = await secondsToReady(await hub.copy({ indexed: false }));
    say('with one');
    const starting = await secondsToReady(await hub.copy());
    const rate = total / (building - starting);
    return [
      {
        what: `building the index of ${counted(total)} documents`,
        ours: perSecond(rate),
        stock: '',
        ratio: '',
        target: '≥ 10,000/s',
        met: rate >= 10_000,
      },
    ];
  },
};

async function secondsToReady(dataDir: string): Promise<number> {
  const start = performance.now();
  await using server = await startServer({ dataDir });
  await ready(server);
  return (performance.now() - start) / 1000;
}
