import { openFaultProxy } from '../../harness/fault-proxy.ts';
import { pullWithNode, pullWithPouch } from '../clients.ts';
import { BIG_CENTER, oneShare, SHARED_TEST } from '../dataset.ts';
import { installFilter, prepareHub } from '../hubs.ts';
import { counted, type Measurement, type Row, scaled, seconds, times } from '../row.ts';

const LINE = { roundTripMs: 300, bitsPerSecond: 1_000_000 };

interface SlowPull {
  seconds: number;
  /** What the bytes alone need at this bandwidth. */
  leastSeconds: number;
}

/** The first replica over the line of a far center. */
export const slowLine: Measurement = {
  name: 'slow-line',
  description: '5,000 documents over 300 ms round trip and 1 Mbit/s',
  async measure(scale, say) {
    const { shape, expected } = oneShare(scaled(5000, scale));
    await using hub = await prepareHub(shape);
    say('ours, from our node');
    const ours = await pullOurs(hub, expected);
    say('stock, from a PouchDB client');
    const stock = await pullStock(hub, expected);
    const row: Row = {
      what: `${counted(expected)} documents over 300 ms and 1 Mbit/s`,
      ours: seconds(ours.seconds),
      stock: seconds(stock.seconds),
      ratio: times(stock.seconds / ours.seconds),
      target: '',
      met: true,
    };
    return [
      row,
      {
        what: '  against what the bytes alone need',
        ours: times(ours.seconds / ours.leastSeconds),
        stock: times(stock.seconds / stock.leastSeconds),
        ratio: '',
        target: '≤ 1.5×',
        met: ours.seconds / ours.leastSeconds <= 1.5,
      },
    ];
  },
};

type Hub = Awaited<ReturnType<typeof prepareHub>>;

async function pullOurs(hub: Hub, expected: number): Promise<SlowPull> {
  await using server = await hub.startOurs();
  const center = await server.addCenter(BIG_CENTER);
  return await overSlowLine(server.url, (url) => pullWithNode(url, center, expected));
}

async function pullStock(hub: Hub, expected: number): Promise<SlowPull> {
  await using stock = await hub.startStock();
  const options = {
    batch_size: 1000,
    filter: 'center/by_center',
    query_params: { center: BIG_CENTER, tests: SHARED_TEST },
  };
  const database = new URL(stock.databases[0] as string);
  await installFilter(database.href);
  return await overSlowLine(database.origin, (url) =>
    pullWithPouch({ source: url + database.pathname, options }, expected),
  );
}

async function overSlowLine(
  target: string,
  pull: (url: string) => Promise<{ seconds: number; bytes?: number }>,
): Promise<SlowPull> {
  await using line = await openFaultProxy(target);
  line.set(LINE);
  const pulled = await pull(line.url);
  return { seconds: pulled.seconds, leastSeconds: (line.bytes.down * 8) / LINE.bitsPerSecond };
}
