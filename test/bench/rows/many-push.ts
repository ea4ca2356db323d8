import { startServer } from '../../harness/server.ts';
import { tempFolder } from '../../harness/temp-folder.ts';
import { centerIds } from '../dataset.ts';
import { countDocuments, ready } from '../hubs.ts';
import type { LightTarget, Transfer } from '../light/job.ts';
import { runLight } from '../light/run.ts';
import { counted, type Measurement, perSecond, scaled, times } from '../row.ts';
import { startStockServer } from '../stock.ts';

/** Answers of one sheet: about 5 KB. */
const QUESTIONS = 72;

/** An exam evening: all centers push their answer sheets at once. */
export const manyPush: Measurement = {
  name: 'many-push',
  description: '200 centers push 250 answer sheets of 5 KB each at once',
  async measure(scale, say) {
    const centers = scaled(200, scale);
    const sheets = 250;
    say('ours');
    const ours = await pushOurs(centers, sheets);
    say('stock');
    const stock = await pushStock(centers, sheets);
    const rate = (transfer: Transfer) => transfer.documents / transfer.seconds;
    return [
      {
        what: `${centers} centers push ${counted(sheets)} answer sheets of 5 KB each; ours synced, stock not`,
        ours: perSecond(rate(ours)),
        stock: perSecond(rate(stock)),
        ratio: times(rate(ours) / rate(stock)),
        target: '≥ 3×',
        met: rate(ours) / rate(stock) >= 3,
      },
    ];
  },
};

async function pushOurs(centers: number, sheets: number): Promise<Transfer> {
  await using server = await startServer();
  await ready(server);
  const targets: LightTarget[] = [];
  for (const centerId of centerIds(centers)) {
    const { authorization } = await server.addCenter(centerId);
    targets.push({ centerId, url: `${server.url}/replicas/${centerId}`, authorization });
  }
  const hub = `${server.url}/couch/cbt`;
  return await push(targets, sheets, () => countDocuments(hub, `Bearer ${server.adminToken}`));
}

/** All into one database, as a hub must have them. */
async function pushStock(centers: number, sheets: number): Promise<Transfer> {
  await using folder = await tempFolder('cbt-bench-stock');
  await using stock = await startStockServer(folder.path, ['cbt']);
  const url = stock.databases[0] as string;
  const targets = centerIds(centers).map((centerId) => ({ centerId, url }));
  return await push(targets, sheets, () => countDocuments(url));
}

async function push(targets: LightTarget[], sheets: number, count: () => Promise<number>): Promise<Transfer> {
  const before = await count();
  const transfer = await runLight<Transfer>(
    { kind: 'push', targets, sheets, questionsPerSheet: QUESTIONS },
    async () => {},
  );
  const stored = (await count()) - before;
  if (stored !== transfer.documents)
    throw new Error(`${stored} documents are stored, not ${transfer.documents}`);
  return transfer;
}
