import { centerIds, type HubShape } from '../dataset.ts';
import { installFilter, prepareHub } from '../hubs.ts';
import type { Arrivals, WaitJob } from '../light/job.ts';
import { runLight } from '../light/run.ts';
import { counted, type Measurement, milliseconds, scaled, times } from '../row.ts';
import { usageOf } from '../usage.ts';

const WARM_UPS = 20;
const WRITES = 200;
/** Stock evaluates the filter of every waiting center for every write, which takes seconds. */
const STOCK_WRITES = 20;

interface Waiting {
  p99Ms: number;
  bytesPerCenter: number;
}

/** All centers hold a longpoll open; what is written for one of them arrives there. */
export const waiting: Measurement = {
  name: 'waiting',
  description: '1,000 centers wait (longpoll), documents are written one by one',
  async measure(scale, say) {
    const centers = scaled(1000, scale);
    const shape: HubShape = { centers, ownDocuments: 10, testDocuments: 10 };
    await using hub = await prepareHub(shape);
    say('ours');
    const ours = await waitAtOurs(hub, centers);
    say('stock');
    const stock = await waitAtStock(hub, centers);
    return [
      {
        what: `${counted(centers)} centers wait: arrival after the acknowledgement, p99`,
        ours: milliseconds(ours.p99Ms),
        stock: milliseconds(stock.p99Ms),
        ratio: times(stock.p99Ms / Math.max(ours.p99Ms, 0.1)),
        target: '≤ 50 ms',
        met: ours.p99Ms <= 50,
      },
      {
        what: '  resident for each waiting center',
        ours: `${Math.round(ours.bytesPerCenter / 1000)} KB`,
        stock: `${Math.round(stock.bytesPerCenter / 1000)} KB`,
        ratio: times(stock.bytesPerCenter / ours.bytesPerCenter),
        target: '≤ 40 KB',
        met: ours.bytesPerCenter <= 40_000,
      },
    ];
  },
};

type Hub = Awaited<ReturnType<typeof prepareHub>>;

async function waitAtOurs(hub: Hub, centers: number): Promise<Waiting> {
  await using server = await hub.startOurs();
  const authorization = `Bearer ${server.adminToken}`;
  return await waitAt(server.pid, {
    targets: centerIds(centers).map((centerId) => ({
      centerId,
      url: `${server.url}/replicas/${centerId}`,
      authorization,
    })),
    query: '',
    hubUrl: `${server.url}/couch/cbt`,
    hubAuthorization: authorization,
    writes: WRITES,
  });
}

async function waitAtStock(hub: Hub, centers: number): Promise<Waiting> {
  await using stock = await hub.startStock();
  const url = stock.databases[0] as string;
  await installFilter(url);
  return await waitAt(stock.pid, {
    targets: centerIds(centers).map((centerId) => ({ centerId, url })),
    writes: STOCK_WRITES,
    query: '&filter=center/by_center&center={center}',
    hubUrl: url,
  });
}

async function waitAt(pid: number, job: Omit<WaitJob, 'kind'>): Promise<Waiting> {
  // What a process needs once, code, caches and room for garbage, is not the centers' own.
  const few = { ...job, targets: job.targets.slice(0, 50), writes: 0 };
  for (let round = 0; round < WARM_UPS; round += 1) {
    await runLight<Arrivals>({ kind: 'wait', ...few }, async () => {});
  }
  const before = await usageOf(pid);
  let after = before;
  const { latenciesMs } = await runLight<Arrivals>({ kind: 'wait', ...job }, async () => {
    after = await usageOf(pid);
  });
  return {
    p99Ms: latenciesMs[Math.ceil(latenciesMs.length * 0.99) - 1] ?? Number.NaN,
    bytesPerCenter: (after.residentBytes - before.residentBytes) / job.targets.length,
  };
}
