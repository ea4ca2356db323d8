import { expect } from 'vitest';
import { centerShare } from '../harness/documents.ts';
import { openFaultProxy } from '../harness/fault-proxy.ts';
import { startNode } from '../harness/node.ts';
import { CENTER, openPackages, test } from './world.ts';

const DOWNLOAD = /POST \/sync\/download/;

test('a first replica comes over the line as one package, and replication goes on from it', async ({
  server,
  center,
  folder,
}) => {
  await using line = await openFaultProxy(server.url);
  await using node = await startNode({ server: line.url, center });
  const packages = openPackages(server, node, folder);
  await node.replicate();
  expect(line.requests.filter((request) => DOWNLOAD.test(request))).toHaveLength(1);
  const changes = line.requests.filter((request) => request.includes('/_changes'));
  expect(changes.some((request) => request.includes('since=0'))).toBe(false);
  expect(await packages.difference()).toBeUndefined();
  expect(await packages.status()).toMatchObject({ pendingPush: 0, verification: { equal: true } });
  await server.importDocuments(centerShare(CENTER, 'SCI-P1', 5, 31));
  expect(await node.replicate()).toMatchObject({ pulled: 10 });
  expect(line.requests.filter((request) => DOWNLOAD.test(request))).toHaveLength(1);
  expect(await packages.difference()).toBeUndefined();
  const log = await node.api.request<{ rows: { doc: { event?: string } }[] }>(
    'GET',
    '/couch/replica/_all_docs?include_docs=true',
  );
  expect(log.rows.map(({ doc }) => doc.event)).toContain('package imported');
});

test('a line that is cut in the middle of the package leaves the rest to replication', async ({
  server,
  center,
  folder,
}) => {
  await server.importDocuments(centerShare(CENTER, 'SCI-P1', 1500, 100));
  await using line = await openFaultProxy(server.url);
  await using node = await startNode({ server: line.url, center });
  const packages = openPackages(server, node, folder);
  line.truncateNext(90_000, DOWNLOAD);
  await node.replicate().catch(() => {});
  expect((await packages.difference())?.missing.length).toBeGreaterThan(0);
  await node.kill();
  await node.start();
  await node.replicate();
  expect(await packages.difference()).toBeUndefined();
  expect(await packages.status()).toMatchObject({ pendingPush: 0, verification: { equal: true } });
  // What has come is not fetched again: the changes come without their documents.
  const changes = line.requests.filter((request) => /_changes.*since=0&/.test(request));
  expect(changes.length).toBeGreaterThan(0);
  expect(changes.filter((request) => request.includes('bodies=true'))).toEqual([]);
});

test('where the server makes no packages, replication brings the first replica', async ({
  server,
  center,
  folder,
}) => {
  await using line = await openFaultProxy(server.url);
  await using node = await startNode({ server: line.url, center });
  line.answerNext(1, 404, DOWNLOAD);
  await node.replicate();
  expect(await openPackages(server, node, folder).difference()).toBeUndefined();
});
