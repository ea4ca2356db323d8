import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { answersDocument, centerShare, wholeTest } from '../harness/documents.ts';
import { type FaultProxy, openFaultProxy } from '../harness/fault-proxy.ts';
import { readLeaves } from '../harness/leaves.ts';
import { startNode } from '../harness/node.ts';
import { centerAccess, openServerHere, type RunningServer } from '../harness/server.ts';
import { expectEqual, openStockReplica, outcomeOf, stockRemote } from './world.ts';

const BATCH = 20;
const BATCHES = 8;

/** Each breaks a replication off once some batches are through. `transfer` names the request that carries them. */
const FAULTS: [string, (line: FaultProxy, transfer: RegExp) => Promise<unknown> | undefined][] = [
  ['is cut', async (line, transfer) => line.nextRequest(transfer).then(() => line.cut())],
  ['truncates a body', async (line) => line.truncateNext(60, /_bulk_get|_changes|_revs_diff/)],
  ['answers 429', async (line, transfer) => line.answerNext(1, 429, transfer)],
  ['answers 503', async (line, transfer) => line.answerNext(1, 503, transfer)],
  ['goes down', async (line, transfer) => line.nextRequest(transfer).then(() => line.down())],
];

let server: RunningServer;
let centers = 0;

beforeAll(async () => {
  server = await openServerHere();
  await server.importDocuments(wholeTest('T', BATCH * BATCHES));
});
afterAll(() => server[Symbol.asyncDispose]());

async function newCenter() {
  centers += 1;
  const centerId = `LINE-${centers}`;
  const { secret } = await server.addCenter(centerId);
  await server.assign('T', centerId);
  const line = await openFaultProxy(server.url);
  const access = centerAccess(line.url, centerId, secret);
  return { line, remote: stockRemote(access.replicaUrl), ...access };
}

describe.each(FAULTS)('the line %s', (_, fail) => {
  test('a stock client’s pull resumes where it stopped', async () => {
    const { line, centerId, remote } = await newCenter();
    await using _line = line;
    await using replica = await openStockReplica();
    const pull = () => outcomeOf(replica.db.replicate.from(remote, { batch_size: BATCH }));
    line.set({ roundTripMs: 10 });

    const first = pull();
    for (let batch = 0; batch < BATCHES / 2; batch += 1) await line.nextRequest(/_bulk_get/);
    await fail(line, /_bulk_get/);
    expect(await first).toBe('broken off');
    const { doc_count: before } = await replica.db.info();
    expect(before).toBeGreaterThanOrEqual(BATCH);

    await line.up();
    const second = await pull();
    const { doc_count: after } = await replica.db.info();
    // One batch may have come without its checkpoint; it is asked for again and found to be here.
    expect(second).toEqual({ docsRead: after - before, docsWritten: after - before });
    await expectEqual(server, centerId, ['T'], replica.db);
  });

  test('a stock client’s push resumes where it stopped', async () => {
    const { line, centerId, remote } = await newCenter();
    await using _line = line;
    await using replica = await openStockReplica();
    const docs = Array.from({ length: BATCH * BATCHES }, (_, n) => answersDocument(centerId, 'T', n));
    await replica.db.bulkDocs(docs as never);
    const push = () => outcomeOf(replica.db.replicate.to(remote, { batch_size: BATCH }));
    line.set({ roundTripMs: 10 });

    const first = push();
    for (let batch = 0; batch < BATCHES / 2; batch += 1) await line.nextRequest(/_bulk_docs/);
    await fail(line, /_bulk_docs/);
    expect(await first).toBe('broken off');

    await line.up();
    const second = await push();
    if (second === 'broken off') throw new Error('the second push broke off');
    expect(second.docsWritten).toBeLessThanOrEqual(docs.length / 2 + BATCH);
    await replica.db.replicate.from(remote);
    await expectEqual(server, centerId, ['T'], replica.db);
  });
});

describe('our node, over a line that fails in every way', () => {
  test('catches up both ways after each', async () => {
    const { line, centerId, secret } = await newCenter();
    await using _line = line;
    await using node = await startNode({
      server: line.url,
      center: { centerId, secret },
      env: { LINE_SILENCE_SECONDS: '1' },
    });
    line.set({ roundTripMs: 10 });
    let written = 0;
    for (const [name, fail] of FAULTS) {
      written += 1;
      const doc = answersDocument(centerId, 'T', written);
      await node.api.request('PUT', `/couch/replica/${encodeURIComponent(doc._id)}`, doc);
      await server.importDocuments(centerShare(centerId, 'T', 5, written * 100));
      const replication = node.replicate().catch(() => undefined);
      await Promise.race([fail(line, /_changes|_bulk_docs|_bulk_get/), replication]);
      await replication;
      await line.up();
      await node.replicate().catch((error) => {
        throw new Error(`after the line ${name}: the node does not recover`, { cause: error });
      });
    }
    await expectEqual(server, centerId, ['T'], await readLeaves(node.api, '/couch/replica'));
  });

  test('gives up a line that is open and silent, and says so', async () => {
    const { line, centerId, secret } = await newCenter();
    await using _line = line;
    await using node = await startNode({
      server: line.url,
      center: { centerId, secret },
      env: { LINE_SILENCE_SECONDS: '1' },
    });
    line.set({ swallow: true });
    await expect(node.replicate()).rejects.toThrow();
    const status = await node.api.request<{ line: string }>('GET', '/api/status');
    expect(status.line).toBe('down');
    line.cut();
    line.set({ swallow: false });
    await node.replicate();
    await expectEqual(server, centerId, ['T'], await readLeaves(node.api, '/couch/replica'));
  });
});
