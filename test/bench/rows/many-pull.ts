import { centerIds, type HubShape, scopeSize } from '../dataset.ts';
import { prepareHub } from '../hubs.ts';
import type { LightTarget, Transfer } from '../light/job.ts';
import { runLight } from '../light/run.ts';
import { counted, type Measurement, megabytes, perSecond, scaled, seconds, times } from '../row.ts';
import { resetPeak, type Usage, usageOf } from '../usage.ts';

/** Of a center's 1,100 documents, so many are the tests that all centers share. */
const TEST_DOCUMENTS = 330;
const OWN_DOCUMENTS = 769;

interface Load extends Transfer {
  cpuSeconds: number;
  peakResidentBytes: number;
}

/** An exam morning: all centers pull at once. */
export const manyPull: Measurement = {
  name: 'many-pull',
  description: '200 centers pull 1,100 documents each at once',
  async measure(scale, say) {
    const centers = scaled(200, scale);
    const shape: HubShape = { centers, ownDocuments: OWN_DOCUMENTS, testDocuments: TEST_DOCUMENTS };
    const each = scopeSize(shape, OWN_DOCUMENTS);
    say('ours');
    const ours = await pullOurs(shape);
    say('stock, a database for each center');
    const stock = await pullStock(shape);
    for (const load of [ours, stock]) {
      if (load.documents !== centers * each) throw new Error(`${load.documents} documents came, not all`);
    }
    const what = `${centers} centers pull ${counted(each)} documents each at once`;
    const cpu = (load: Load) => (load.cpuSeconds * 100_000) / load.documents;
    const rate = (load: Load) => load.documents / load.seconds;
    return [
      {
        what: `${what}: documents`,
        ours: perSecond(rate(ours)),
        stock: perSecond(rate(stock)),
        ratio: times(rate(ours) / rate(stock)),
        target: '≥ 25,000/s',
        met: rate(ours) >= 25_000,
      },
      {
        what: '  server CPU for each 100,000 documents',
        ours: seconds(cpu(ours)),
        stock: seconds(cpu(stock)),
        ratio: times(cpu(stock) / cpu(ours)),
        target: '≤ 5 s',
        met: cpu(ours) <= 5,
      },
      {
        what: '  server resident at most',
        ours: megabytes(ours.peakResidentBytes),
        stock: megabytes(stock.peakResidentBytes),
        ratio: times(stock.peakResidentBytes / ours.peakResidentBytes),
        target: '≤ 600 MB',
        met: ours.peakResidentBytes <= 600e6,
      },
    ];
  },
};

async function pullOurs(shape: HubShape): Promise<Load> {
  await using hub = await prepareHub(shape);
  await using server = await hub.startOurs();
  const targets: LightTarget[] = [];
  for (const centerId of centerIds(shape.centers)) {
    const { authorization } = await server.addCenter(centerId);
    targets.push({ centerId, url: `${server.url}/replicas/${centerId}`, authorization });
  }
  return await pullFrom(server.pid, targets);
}

/** Stock's best case: as it cannot filter fast enough, each center has its documents in a database of its own. */
async function pullStock(shape: HubShape): Promise<Load> {
  await using hub = await prepareHub({ ...shape, centers: 1 });
  await using stock = await hub.startStock({ databases: shape.centers });
  const targets = stock.databases.map((url, index) => ({ centerId: `${index}`, url }));
  return await pullFrom(stock.pid, targets);
}

async function pullFrom(pid: number, targets: LightTarget[]): Promise<Load> {
  let before: Usage | undefined;
  const transfer = await runLight<Transfer>({ kind: 'pull', targets }, async () => {
    await resetPeak(pid);
    before = await usageOf(pid);
  });
  const after = await usageOf(pid);
  return {
    ...transfer,
    cpuSeconds: after.cpuSeconds - (before?.cpuSeconds ?? 0),
    peakResidentBytes: after.peakResidentBytes,
  };
}
