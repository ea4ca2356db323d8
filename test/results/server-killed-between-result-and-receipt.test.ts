import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openStockReplica, outcomeOf, stockRemote } from '../faults/world.ts';
import { openFaultProxy } from '../harness/fault-proxy.ts';
import { centerAccess } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import { ask, type Json } from '../replica/request.ts';
import { startExam } from './exam.ts';
import { playNode } from './played-node.ts';

const KILLS = 10;
const RESULTS_BEFORE_EACH = 12;

test(`a server killed ${KILLS} times has one receipt for each result in the end, and each is what it must be`, async () => {
  const { server, center } = await startExam();
  await using _server = server;
  await using line = await openFaultProxy(server.url);
  const remote = stockRemote(centerAccess(line.url, 'L-1', center.secret).replicaUrl);
  const node = playNode(center);
  const { serverKey } = (await node.register()).json;
  await using replica = await openStockReplica();
  let next = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const results = Array.from({ length: RESULTS_BEFORE_EACH }, () => node.result(++next));
    await replica.db.bulkDocs(results as never);
    const push = outcomeOf(replica.db.replicate.to(remote, { batch_size: 4 }));
    for (let batch = 0; batch <= kill % 3; batch += 1) await line.nextRequest(/_bulk_docs/);
    await delay((kill * 7) % 31);
    await server.kill();
    await push;
    await server.start();
  }
  await replica.db.replicate.to(remote);
  await replica.db.replicate.from(remote);

  const range = (type: string) => ({ startkey: `center-L-1:${type}:`, endkey: `center-L-1:${type}:~` });
  const { rows: results } = await replica.db.allDocs(range('result'));
  const { rows: receipts } = await replica.db.allDocs({ ...range('receipt'), include_docs: true });
  expect(results).toHaveLength(next);
  expect(receipts.map(({ doc }) => (doc as Json).resultRev).sort()).toEqual(
    results.map((row) => (row as Json).value.rev).sort(),
  );
  for (const { doc } of receipts) {
    const { _id, _rev, ...fields } = doc as Json;
    expect(_rev, 'written once').toMatch(/^1-/);
    expect(fields.keyId).toBe(serverKey.keyId);
  }
  await server.stop();
  await server.start();
  const { last_seq } = (await ask(center, '/_changes?since=now')).json;
  await until(
    async () => (await server.api.request<Json>('GET', '/api/status')).centers[0].results.stored === next,
    {
      what: 'all results are looked at',
    },
  );
  expect((await ask(center, `/_changes?since=${last_seq}`)).json.results, 'a start writes nothing').toEqual(
    [],
  );
}, 120_000);
