import { cp, rm } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { EMPTY_LOG, nextEntry } from '../../replication/log-chain.ts';
import { openStockReplica, stockRemote } from '../faults/world.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { nodeWhen, openExam, verdictOn } from './exam.ts';
import { playNode } from './played-node.ts';

test('a report of fewer entries than there were, or of another last entry, gives a node away', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const [rolledBack, cloned, honest] = [playNode(center), playNode(center), playNode(center)];
  for (const node of [rolledBack, cloned, honest]) {
    for (let n = 1; n <= 3; n += 1) await node.push(node.log());
    await node.report();
  }
  const one = nextEntry(EMPTY_LOG, {
    nodeId: rolledBack.instanceId,
    at: '',
    event: 'submitted',
    details: {},
  });
  await rolledBack.report({ n: 1, hash: one.hash });
  await cloned.report({ n: 3, hash: one.hash });
  await honest.report();
  honest.log();
  await honest.report();
  const standing = async ({ instanceId }: { instanceId: string }) =>
    nodeWhen(server, instanceId, 'it is known', () => true);
  expect(await standing(rolledBack)).toMatchObject({
    standing: 'rolled back or cloned',
    suspicions: [
      { at: expect.any(String), what: expect.stringMatching(/knows 1 entries of its log, .* knew 3$/) },
    ],
  });
  expect(await standing(cloned)).toMatchObject({
    standing: 'rolled back or cloned',
    suspicions: [{ what: expect.stringMatching(/name two different entries 3 of its log$/) }],
  });
  expect(await standing(honest)).toMatchObject({
    standing: 'known',
    suspicions: [],
    log: { awaited: ['4..4'] },
  });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toMatch(/^cbt_nodes_suspected 2$/m);
});

test('a result that names another entry than the log has in its place gives its node away', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const node = playNode(center);
  await node.push(node.log(), node.log(), node.log());
  await nodeWhen(server, node.instanceId, 'the log is whole', ({ log }) => log.verified === 3);
  node.head = { n: 2, hash: 'e'.repeat(64) };
  await node.push(node.result(1));
  const given = await nodeWhen(server, node.instanceId, 'it is seen', ({ standing }) => standing !== 'known');
  expect(given.suspicions[0].what).toBe(
    'the result of E000001 names another entry 2 than its log in the hub',
  );
});

test('a node that took a new instance id tells what it was before', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const [before, after] = [playNode(center), playNode(center)];
  await before.push(before.log());
  const details = { reason: 'the log goes on elsewhere', instanceId: before.instanceId, head: before.head };
  const { _id, ...first } = after.log();
  const entry = nextEntry(EMPTY_LOG, { ...first, event: 'identity changed', details });
  await after.push({ _id, ...entry });
  const now = await nodeWhen(server, after.instanceId, 'it is known', ({ formerly }) => formerly);
  expect(now).toMatchObject({ formerly: before.instanceId, standing: 'known' });
  const old = await nodeWhen(server, before.instanceId, 'it is known', () => true);
  expect(old.standing).toBe('rolled back or cloned');
});

test('a server restored from a backup asks for what it lost, and learns keys again', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  await using backup = await tempFolder('cbt-backup');
  const [node, later] = [playNode(center), playNode(center)];
  await using replica = await openStockReplica();
  const remote = stockRemote(center.replicaUrl);
  const add = (...docs: object[]) => replica.db.bulkDocs(docs as never);
  await node.register();
  await add(node.log(), node.log(), node.result(1), node.sheet(1));
  await replica.db.replicate.to(remote);
  await node.report();
  await verdictOn(server, 1, 'verified');
  await server.stop();
  await cp(server.dataDir, backup.path, { recursive: true });
  await server.start();

  await later.register();
  await add(node.log(), node.log(), later.log(), later.result(2), later.sheet(2));
  await replica.db.replicate.to(remote);
  for (const one of [node, later]) await one.report();
  await verdictOn(server, 2, 'verified');
  await server.stop();
  await rm(server.dataDir, { recursive: true });
  await cp(backup.path, server.dataDir, { recursive: true });
  await server.start();

  for (const one of [node, later]) await one.report();
  const lost = await nodeWhen(server, node.instanceId, 'it is known', () => true);
  expect(lost).toMatchObject({ standing: 'known', log: { n: 2, verified: 2, awaited: ['3..4'] } });
  const learned = await nodeWhen(server, later.instanceId, 'it is known', () => true);
  expect(learned).toMatchObject({ publicKey: later.publicKey, log: { awaited: ['1..1'] } });
  await replica.db.replicate.to(remote);
  await verdictOn(server, 2, 'verified');
  const whole = await nodeWhen(
    server,
    node.instanceId,
    'nothing is awaited',
    ({ log }) => log.verified === 4,
  );
  expect(whole).toMatchObject({ standing: 'known', log: { awaited: [] } });
}, 60_000);
