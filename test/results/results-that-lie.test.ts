import { expect, test } from 'vitest';
import { confirms, receiptId } from '../../replication/receipt.ts';
import { makeKey } from '../../replication/signing.ts';
import { openStockReplica, stockRemote } from '../faults/world.ts';
import { centerShare, questionDocument, testDocument, wholeTest } from '../harness/documents.ts';
import { until } from '../harness/until.ts';
import { ask, type Json } from '../replica/request.ts';
import { openExam, startExam, verdictOn, verdictsOn } from './exam.ts';
import { playNode, QUESTIONS } from './played-node.ts';

test('an honest result is verified, and a node that pushes and then pulls has its receipt', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const node = playNode(center);
  const { serverKey } = (await node.register()).json;
  expect((await node.register()).json, 'registering again changes nothing').toMatchObject({ serverKey });
  await using replica = await openStockReplica();
  await replica.db.bulkDocs([node.result(1), node.sheet(1)] as never);
  const remote = stockRemote(center.replicaUrl);
  await replica.db.replicate.to(remote);
  await replica.db.replicate.from(remote);
  const { _id, _rev } = await replica.db.get(node.result(1)._id);
  const receipt = await replica.db.get(receiptId('L-1', 'E000001', _rev));
  expect(confirms(receipt, _id, _rev, serverKey.publicKey)).toBe(true);
  expect(await verdictOn(server, 1, 'verified')).toMatchObject({
    ...{ signature: 'valid', score: 'equal', reasons: [], receipt: true, rev: _rev, nodeId: node.instanceId },
  });
  const { centers } = await server.api.request<Json>('GET', '/api/status');
  expect(centers[0].results).toEqual({
    ...{ stored: 1, verified: 1, flagged: 0, waiting: 0, atNode: null, confirmed: null },
  });
  await node.report();
  const after = (await server.api.request<Json>('GET', '/api/status')).centers[0].results;
  expect(after).toMatchObject({ atNode: 3, confirmed: 2 });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toMatch(/^cbt_results\{state="verified"\} 1$/m);
});

test('receipts are in the very next answer after results were pushed, and waiting clients are woken', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const node = playNode(center);
  const since = (await ask(center, '/_changes?since=now')).json.last_seq;
  const waiting = ask(center, `/_changes?feed=longpoll&since=${since}&filter=_selector`, {
    body: { selector: { type: 'receipt' } },
  });
  await node.push(...Array.from({ length: 60 }, (_, n) => node.result(n + 1)));
  const { results } = (await ask(center, `/_changes?since=${since}`)).json;
  const receipts = results.filter(({ id }: Json) => id.startsWith('center-L-1:receipt:'));
  expect(receipts).toHaveLength(60);
  expect((await waiting).json.results.length).toBeGreaterThan(0);
});

test('what is forged, wrongly scored or out of scope is stored, has its receipt, and is flagged', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const other = await server.addCenter('L-10');
  const [node, rogue, stranger] = [playNode(center), playNode(center), playNode(other)];
  for (const one of [node, rogue, stranger]) await one.register();
  const signedByStranger = playNode(center, { instanceId: stranger.instanceId });
  const { _id, signature, keyId, ...unsigned } = node.result(5);
  const foreign = { ...node.result(4), keyId: stranger.keyId };
  const docs = [
    { ...node.result(1), score: 4 },
    rogue.result(2, { score: 4, percent: 100, passed: true }),
    signedByStranger.result(3),
    foreign,
    { ...unsigned, _id },
    node.result(6, { testId: 'T-1' }),
    node.result(7, { nodeId: rogue.instanceId }),
    node.result(8, { registrationNumber: 'REG-0' }),
    node.result(77),
  ];
  await node.push(...docs, ...[1, 2, 3, 4, 5, 6, 7, 8, 77].map((n) => node.sheet(n)));
  const expected: [n: number, found: object, reason: RegExp][] = [
    [1, { signature: 'forged' }, /changed after it was signed/],
    [2, { signature: 'valid', score: 'differs' }, /^score is 4, by the answers it is \d$/],
    [3, { signature: 'unknown key' }, /no node has registered the key/],
    [4, { signature: 'forged' }, /not signed with key/],
    [5, { signature: 'unsigned' }, /^it is not signed$/],
    [6, { signature: 'valid' }, /names test T-1, the enrollment is for T$/],
    [7, { signature: 'valid' }, /^it names node .*, its key is that of /],
    [8, { signature: 'valid' }, /^it names candidate REG-0, the enrollment is .*’s$/],
    [77, { signature: 'valid' }, /no enrollment E000077/],
  ];
  for (const [n, found, reason] of expected) {
    const verdict = await verdictOn(server, n, 'flagged');
    expect(verdict, `${n}`).toMatchObject({ ...found, receipt: true });
    expect(verdict.reasons[0], `${n}`).toMatch(reason);
  }
  const rows = await server.api.request<Json>('GET', '/api/results?flagged=true&center=L-1&limit=4');
  expect(rows.results).toHaveLength(4);
  const rest = await server.api.request<Json>(
    'GET',
    `/api/results?flagged=true&center=L-1&after=${encodeURIComponent(rows.next)}`,
  );
  const listed = [...rows.results, ...rest.results].map(({ enrollmentId }) => Number(enrollmentId.slice(1)));
  expect([listed, rest.next]).toEqual([[1, 2, 3, 4, 5, 6, 7, 8, 77], null]);
  expect((await server.api.request<Json>('GET', '/api/results?test=T-1')).results).toHaveLength(1);
});

test('a key of another center signs for nobody else', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const key = makeKey();
  await playNode(await server.addCenter('L-10'), { key }).register();
  const thief = playNode(center, { key });
  expect(await thief.register()).toMatchObject({ status: 409, json: { error: 'conflict' } });
  await thief.report();
  await thief.push(thief.result(1), thief.sheet(1));
  expect(await verdictOn(server, 1, 'flagged')).toMatchObject({ signature: 'key of another center' });
});

test('a key is registered by the instance that has it, and only a key', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const node = playNode(center);
  for (const [publicKey, reason] of [
    ['', /^publicKey: is not an Ed25519 public key/],
    [makeKey(), /^publicKey: is not an Ed25519 public key/],
  ] as const) {
    const { status, json } = await node.register(publicKey);
    expect([status, json.error]).toEqual([400, 'bad_request']);
    expect(json.reason).toMatch(reason);
  }
  const body = { instanceId: 'a:b', publicKey: node.publicKey };
  expect((await ask(center, '/_node', { method: 'PUT', body })).json.reason).toMatch(/^instanceId: /);
  await node.register();
  expect((await playNode(center).register(node.publicKey)).status).toBe(409);
});

test('a result whose key is registered later is verified then', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const [node, reporting] = [playNode(center), playNode(center)];
  await node.push(node.result(1), node.sheet(1), reporting.result(2), reporting.sheet(2));
  for (const n of [1, 2]) {
    expect(await verdictOn(server, n, 'flagged')).toMatchObject({ signature: 'unknown key' });
  }
  await node.register();
  await reporting.report();
  for (const n of [1, 2]) await verdictOn(server, n, 'verified');
});

test('a result waits for its answers, and for the questions, across a restart', async () => {
  const { server, center } = await startExam();
  await using _server = server;
  await server.importDocuments(centerShare('L-1', 'T-2', 3, 20));
  const [node, early] = [playNode(center), playNode(center, { testId: 'T-2' })];
  await node.register();
  await early.register();
  await node.push(node.result(1), early.result(20), early.sheet(20));
  expect(await verdictOn(server, 1, 'waiting')).toMatchObject({ score: 'waiting for answers' });
  await verdictOn(server, 20, 'waiting');
  await server.importDocuments([testDocument('T-2', QUESTIONS), questionDocument('T-2', 1)]);
  const partly = await verdictOn(server, 20, 'waiting');
  expect(partly).toMatchObject({ signature: 'valid', score: 'waiting for questions' });
  await server.kill();
  await server.start();
  await node.push({ ...node.sheet(1), answers: {} });
  expect((await verdictOn(server, 1, 'waiting')).score).toBe('waiting for answers');
  const [{ rev }] = (await ask(center, '/_all_docs?key="center-L-1:answers:E000001"')).json.rows.map(
    ({ value }: Json) => value,
  );
  await node.push({ ...node.sheet(1), _rev: rev });
  await server.importDocuments(wholeTest('T-2', QUESTIONS));
  await verdictOn(server, 1, 'verified');
  await verdictOn(server, 20, 'verified');
});

test('a sheet that went on after the result was made of it still proves it', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const node = playNode(center);
  await node.register();
  const [first] = await node.push(node.sheet(1));
  await node.push({ ...node.sheet(1), answers: {}, _rev: first?.rev as string });
  await node.push(node.result(1));
  await verdictOn(server, 1, 'verified');
});

test('two results of one candidate are both verified, and both have a receipt', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const [main, spare] = [playNode(center), playNode(center)];
  await main.register();
  await spare.register();
  await using replicas = new AsyncDisposableStack();
  for (const [node, wrong] of [
    [main, {}],
    [spare, { score: 99 }],
  ] as const) {
    const { db } = replicas.use(await openStockReplica());
    await db.bulkDocs([node.result(1, wrong), node.sheet(1)] as never);
    await db.replicate.to(stockRemote(center.replicaUrl));
  }
  const verdicts = await until(
    async () => {
      const found = await verdictsOn(server, 1);
      return found.length === 2 && found;
    },
    { what: 'both results are verified' },
  );
  expect(verdicts.map(({ state }) => state).sort()).toEqual(['flagged', 'verified']);
  expect(verdicts.map(({ receipt }) => receipt)).toEqual([true, true]);
});
