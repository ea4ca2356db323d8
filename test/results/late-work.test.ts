import { expect, test } from 'vitest';
import type { SyncError } from '../../replication/errors.ts';
import { openStockReplica, outcomeOf, stockRemote } from '../faults/world.ts';
import { enrollmentDocument, studentDocument } from '../harness/documents.ts';
import type { RunningServer } from '../harness/server.ts';
import { ask, type Json } from '../replica/request.ts';
import { openExam, startExam, verdictOn } from './exam.ts';
import { playNode } from './played-node.ts';

async function quarantined(server: RunningServer, query = ''): Promise<Json[]> {
  return (await server.api.request<Json>('GET', `/api/quarantine?center=L-1${query}`)).entries;
}

/** @returns the entry, or the error. */
function decide(server: RunningServer, body: object): Promise<Json> {
  return server.api
    .request<Json>('POST', '/api/quarantine/decide', body)
    .catch(({ code, reason }: SyncError) => ({ error: code, reason }));
}

test('a result of a test that was withdrawn is kept in quarantine, and stored when it is accepted', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const node = playNode(center);
  await node.register();
  await using replica = await openStockReplica();
  const remote = stockRemote(center.replicaUrl);
  await replica.db.bulkDocs([node.result(1), node.sheet(1), node.result(2), node.log()] as never);
  await server.withdraw('T', 'L-1');
  await outcomeOf(replica.db.replicate.to(remote));

  const entries = await quarantined(server);
  expect(entries.map(({ id, state }) => [id, state])).toEqual([
    [node.sheet(1)._id, 'waiting'],
    [node.result(1)._id, 'waiting'],
    [node.result(2)._id, 'waiting'],
  ]);
  expect(entries[0].reason).toBe('test T was withdrawn from center L-1');
  expect((await server.api.request<Json>('GET', '/api/status')).centers[0].quarantined).toBe(3);
  expect((await ask(center, `/${encodeURIComponent(node.log()._id.replace(/2$/, '1'))}`)).status).toBe(200);

  const [sheet, first, second] = entries;
  for (const { key } of [sheet, first]) {
    expect(await decide(server, { key, decision: 'accept', note: 'sat in time' })).toMatchObject({
      ...{ key, state: 'accepted', note: 'sat in time', decidedAt: expect.any(String) },
    });
  }
  await decide(server, { key: second.key, decision: 'return', note: 'sat too late' });
  for (const decision of ['accept', 'return']) {
    expect(await decide(server, { key: second.key, decision })).toMatchObject({ error: 'conflict' });
  }
  expect(await verdictOn(server, 1, 'verified')).toMatchObject({ rev: first.rev, receipt: true });
  const seen = (await ask(center, '/_quarantine')).json.entries;
  expect(seen.map(({ state, note }: Json) => [state, note])).toEqual([
    ['accepted', 'sat in time'],
    ['accepted', 'sat in time'],
    ['returned', 'sat too late'],
  ]);
  expect((await server.api.request<Json>('GET', '/api/status')).centers[0].quarantined).toBe(0);
  expect(await quarantined(server, '&state=returned')).toHaveLength(1);

  await using again = await openStockReplica();
  await replica.db.replicate.to(again.db);
  const push = await outcomeOf(again.db.replicate.to(remote));
  expect(push, 'pushing what was accepted is no failure').not.toBe('broken off');
  const docs = [{ ...(await replica.db.get(first.id, { revs: true })) }];
  expect((await ask(center, '/_bulk_docs', { body: { new_edits: false, docs } })).json).toEqual([]);
  expect(await quarantined(server), 'nothing is refused twice').toHaveLength(3);
});

test('what a client wrote without a revision of its own can be accepted too, whatever has come since', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const node = playNode(center);
  const rev = (await node.push(node.sheet(1)))[0]?.rev as string;
  await server.withdraw('T', 'L-1');
  const late = { ...node.sheet(1), _rev: rev, elapsedMs: 1 };
  await node.push(late, node.sheet(2));
  await server.assign('T', 'L-1');
  await node.push({ ...node.sheet(1), _rev: rev, elapsedMs: 2 });
  const entries = await quarantined(server);
  expect(entries).toHaveLength(2);
  for (const { key } of entries) await decide(server, { key, decision: 'accept' });
  expect((await quarantined(server)).map(({ state }) => state)).toEqual(['accepted', 'accepted']);
  const at = `/${encodeURIComponent(late._id)}?open_revs=all`;
  const leaves = (await ask(center, at, { headers: { accept: 'application/json' } })).json;
  expect(leaves.map(({ ok }: Json) => ok.elapsedMs).sort(), 'both are there').toEqual([1, 2]);
  expect((await ask(center, `/${encodeURIComponent(node.sheet(2)._id)}`)).status).toBe(200);
});

test('what no reader could use can only be returned', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const node = playNode(center);
  await node.push({ ...node.sheet(1), answers: 'A' }, { ...node.sheet(2), _secret: 1 });
  const entries = await quarantined(server);
  for (const { key } of entries) {
    const refused = await decide(server, { key, decision: 'accept' });
    expect(refused).toMatchObject({
      error: 'bad_request',
      reason: expect.stringContaining('only be returned'),
    });
    expect(await decide(server, { key, decision: 'return' })).toMatchObject({ state: 'returned' });
  }
  expect(await decide(server, { key: 'L-1/none/1-a', decision: 'accept' })).toMatchObject({
    error: 'not_found',
  });
  expect(await decide(server, { key: entries[0].key, decision: 'drop' })).toMatchObject({
    error: 'bad_request',
  });
});

test('work of an enrollment that has moved is refused, and taken again when it is back', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  await server.addCenter('L-10');
  const node = playNode(center);
  await server.importDocuments([studentDocument('L-10', 1), enrollmentDocument('L-10', 'T', 1)]);
  await ask(center, '');
  const outcomes = await node.push(node.sheet(1), node.sheet(2), node.result(77), node.log());
  expect(outcomes.map(({ error }) => error)).toEqual(['forbidden', undefined, undefined, undefined]);
  expect(outcomes[0]?.reason).toBe('enrollment E000001 was moved or taken out online');
  await server.importDocuments([studentDocument('L-1', 1), enrollmentDocument('L-1', 'T', 1)]);
  await ask(center, '');
  expect((await node.push(node.sheet(1)))[0]?.error).toBeUndefined();
});

test('the late work of a node that was replaced is refused, not what it logged, until it is taken back', async () => {
  const { server, center } = await startExam();
  await using _server = server;
  const [old, fresh] = [playNode(center), playNode(center)];
  const path = `/api/centers/L-1/nodes/${old.instanceId}/replace`;
  await expect(server.api.request('POST', path)).rejects.toMatchObject({ code: 'not_found' });
  await old.register();
  await old.push(old.sheet(1));
  expect(await server.api.request('POST', path)).toMatchObject({ changed: true });
  expect(await server.api.request('POST', path)).toMatchObject({ changed: false });
  await server.kill();
  await server.start();
  const asFresh = { ...old.result(4), nodeId: fresh.instanceId };
  const outcomes = await old.push(old.sheet(2), old.log(), asFresh);
  const reason = `node ${old.instanceId} was replaced`;
  expect(outcomes.map((outcome) => outcome.reason)).toEqual([reason, undefined, reason]);
  expect((await fresh.push(fresh.sheet(2)))[0]?.error).toBeUndefined();
  const { nodes } = await server.api.request<Json>('GET', '/api/centers/L-1/nodes');
  expect(nodes.map(({ standing }: Json) => standing)).toEqual(['replaced']);

  expect(await server.api.request('DELETE', path)).toMatchObject({ changed: true });
  expect(await server.api.request('DELETE', path)).toMatchObject({ changed: false });
  await server.kill();
  await server.start();
  expect((await old.push(old.sheet(3)))[0]?.error).toBeUndefined();
  expect(await quarantined(server), 'what was refused waits as before').toMatchObject([
    { id: old.sheet(2)._id, state: 'waiting' },
    { id: asFresh._id, state: 'waiting' },
  ]);
  const { entries } = await server.api.request<Json>('GET', '/api/audit?action=node.taken_back');
  expect(entries).toMatchObject([{ centerId: 'L-1', details: { instanceId: old.instanceId } }]);
});
