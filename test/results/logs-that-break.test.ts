import { expect, test } from 'vitest';
import { EMPTY_LOG, nextEntry } from '../../replication/log-chain.ts';
import { ask, type Json } from '../replica/request.ts';
import { nodeWhen, openExam, startExam } from './exam.ts';
import { type PlayedNode, playNode } from './played-node.ts';

test('a log is verified as it comes, in whatever order, and says what it waits for', async () => {
  const { server, center } = await startExam();
  await using _server = server;
  const [node, other] = [playNode(center, { instanceId: 'n-1' }), playNode(center, { instanceId: 'n-10' })];
  const [first, second, third, fourth, fifth] = fiveEntries(node);
  await node.push(other.log(), first, fourth);
  const waits = await nodeWhen(server, 'n-1', 'it waits for entry 2', ({ log }) => log.break);
  expect(waits.log).toEqual({
    ...{ entries: 2, n: 4, verified: 1, seen: 4, awaited: ['2..3'] },
    break: { n: 2, reason: 'waits for entry 2' },
  });
  await node.push(third, fifth);
  await server.kill();
  await server.start();
  await node.push(second);
  const whole = await nodeWhen(server, 'n-1', 'the log is whole', ({ log }) => log.verified === 5);
  expect(whole).toMatchObject({ standing: 'known', log: { break: null, awaited: [], entries: 5 } });
  const others = await nodeWhen(server, 'n-10', 'the other log is whole', ({ log }) => log.verified === 1);
  expect(others.log.break).toBe(null);
});

function fiveEntries(node: PlayedNode) {
  return [node.log(), node.log(), node.log(), node.log(), node.log()] as const;
}

test('an entry that was altered, and one that follows another log, break it at their place', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const [altered, spliced] = [playNode(center), playNode(center)];
  const entries = [1, 2, 3, 4].map(() => altered.log());
  await altered.push(...entries.map((entry) => (entry.n === 3 ? { ...entry, event: 'submitted' } : entry)));
  const found = await nodeWhen(server, altered.instanceId, 'it is verified', ({ log }) => log.break);
  expect(found.log).toMatchObject({ verified: 2, break: { n: 3, reason: 'entry 3 was altered' } });

  await spliced.push(spliced.log(), spliced.log());
  spliced.head = { n: 2, hash: 'f'.repeat(64) };
  await spliced.push(spliced.log());
  const place = await nodeWhen(server, spliced.instanceId, 'it is verified', ({ log }) => log.break);
  expect(place.log.break).toEqual({ n: 3, reason: 'entry 3 does not follow entry 2' });
});

test('a log that goes on twice from one entry is forked, and its node was rolled back or cloned', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const node = playNode(center);
  await node.push(node.log(), node.log());
  const kept = node.head;
  const original = node.log();
  await node.push(original, node.log());
  await nodeWhen(server, node.instanceId, 'the log is whole', ({ log }) => log.verified === 4);
  const again = nextEntry(kept, { ...original, event: 'submitted' });
  const rev = again.hash.slice(0, 32);
  const docs = [{ ...again, _id: original._id, _rev: `1-${rev}`, _revisions: { start: 1, ids: [rev] } }];
  expect((await ask(center, '/_bulk_docs', { body: { new_edits: false, docs } })).json).toEqual([]);
  const forked = await nodeWhen(server, node.instanceId, 'it is seen', ({ log }) => log.break);
  expect(forked.log).toMatchObject({ verified: 2, break: { n: 3 } });
  expect(forked.log.break.reason).toMatch(/forked: two entries have the number 3/);
  expect(forked.standing).toBe('rolled back or cloned');
  expect(forked.suspicions[0].what).toBe('two different entries of its log have the number 3');
});

test('entries that were cut off the end are awaited, since results and reports name them', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const node = playNode(center);
  const entries = [1, 2, 3].map(() => node.log());
  await node.push(...entries.slice(0, 2), node.result(1));
  const byResult = await nodeWhen(
    server,
    node.instanceId,
    'the result tells',
    ({ log }) => log.verified === 2 && log.seen === 3,
  );
  expect(byResult.log).toMatchObject({ awaited: ['3..3'] });
  node.log();
  await node.report();
  const byReport = await nodeWhen(server, node.instanceId, 'the report tells', ({ log }) => log.seen === 4);
  expect(byReport.log).toMatchObject({ verified: 2, break: null, awaited: ['3..4'] });
});

test('what stock clients log is listed, and is no chain', async () => {
  const { server, center } = await openExam();
  await using _server = server;
  const node = playNode(center, { instanceId: 'n-1' });
  const plain = (key: string) => ({ _id: `center-L-1:log:${key}`, type: 'log', event: 'door opened' });
  await node.push(plain('x.1'), plain('y.00000001'), node.log(), node.log(), node.log());
  await nodeWhen(server, 'n-1', 'the log is whole', ({ log }) => log.verified === 3);
  const { nodes, unchainedLogEntries } = await server.api.request<Json>('GET', '/api/centers/L-1/nodes');
  expect([nodes.length, unchainedLogEntries]).toEqual([1, 2]);

  const all = await server.api.request<Json>('GET', '/api/centers/L-1/log');
  expect(all.entries.map(({ id, chained }: Json) => [id.slice(15), chained])).toEqual([
    ...[1, 2, 3].map((n) => [`n-1.0000000${n}`, true]),
    ...['x.1', 'y.00000001'].map((key) => [key, false]),
  ]);
  const page = await server.api.request<Json>('GET', '/api/centers/L-1/log?node=n-1&limit=2');
  expect(page.entries).toMatchObject([{ n: 1, previous: EMPTY_LOG.hash }, { n: 2 }]);
  const after = encodeURIComponent(page.next);
  const rest = await server.api.request<Json>('GET', `/api/centers/L-1/log?node=n-1&limit=2&after=${after}`);
  expect(rest).toMatchObject({ entries: [{ n: 3 }], next: null });
});
