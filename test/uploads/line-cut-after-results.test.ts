import { expect, test } from 'vitest';
import type { StatusAnswer } from '../../local-node/routes/schemas.ts';
import { until } from '../harness/until.ts';
import { CENTER, openCenter } from '../node/center.ts';
import { subject } from '../node/documents.ts';
import { finished, idsOnline, resultId, running, write } from './center.ts';

const FINISHED = [1, 2, 3, 4, 5];
const RUNNING = [11, 12, 13];
const LOGS = Array.from({ length: 20 }, (_, n) => ({ _id: `center-${CENTER}:log:gate-${n}`, type: 'log' }));

test.for<StatusAnswer['mode']>(['continuous', 'batch', 'manual'])(
  'a line cut behind the first batch leaves the results at the hub, in %s mode',
  async (mode) => {
    await using center = await openCenter([subject('SCI')]);
    const { line, node } = center;
    await center.replicate();
    // In the order in which they were written the results would be the last.
    await write(node.replicaUrl, [...LOGS, ...RUNNING.flatMap(running), ...FINISHED.flatMap(finished)]);
    const cut = line
      .nextRequest(/_bulk_docs/)
      .then(() => line.nextRequest(/_bulk_docs/))
      .then(() => line.down());
    await center.setMode(mode);
    const round = mode === 'continuous' ? undefined : center.replicate().catch(() => {});
    await cut;
    await round;
    expect(await idsOnline(center, 'result')).toEqual(FINISHED.map(resultId));
    for (const type of ['session', 'answers']) {
      expect(await idsOnline(center, type)).toHaveLength(FINISHED.length);
    }
    expect(await idsOnline(center, 'log')).toEqual([]);
    expect((await center.status()).results).toMatchObject({ total: 5, confirmed: 0 });

    await line.up();
    if (mode === 'continuous') {
      await until(async () => (await center.status()).pendingPush === 0, { what: 'the rest goes up' });
    } else {
      // What had arrived is not sent again.
      expect((await center.replicate()).pushed).toBe(2 * RUNNING.length + LOGS.length);
    }
    expect(await idsOnline(center, 'answers')).toHaveLength(FINISHED.length + RUNNING.length);
    expect((await idsOnline(center, 'log')).length).toBeGreaterThanOrEqual(LOGS.length);
    for (const n of FINISHED) expect((await center.readOnline(resultId(n)))?._rev).toMatch(/^1-/);
    await center.replicate();
    expect(await center.status()).toMatchObject({
      results: { total: 5, confirmed: 5, missing: [] },
      verification: { equal: true },
    });
  },
);
