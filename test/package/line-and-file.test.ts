import { join } from 'node:path';
import { expect } from 'vitest';
import { answersDocument, centerShare, resultDocument, studentDocument } from '../harness/documents.ts';
import { openFaultProxy } from '../harness/fault-proxy.ts';
import { readLeaves } from '../harness/leaves.ts';
import { startNode } from '../harness/node.ts';
import { until } from '../harness/until.ts';
import { CENTER, openPackages, succeed, test } from './world.ts';

test('a first replica comes by file, and the line goes on from there', async ({ server, center, folder }) => {
  await using line = await openFaultProxy(server.url);
  await using node = await startNode({ server: line.url, center });
  const packages = openPackages(server, node, folder);
  const { since } = await packages.into(await packages.down());
  expect(await packages.difference()).toBeUndefined();
  expect(await packages.status()).toMatchObject({ pendingPush: 0 });

  expect(await node.replicate()).toMatchObject({ pulled: 0 });
  const asked = line.requests.filter((request) => request.includes('/_changes'));
  expect(asked.length).toBeGreaterThan(0);
  for (const request of asked) expect(request).toContain(`since=${since}`);
  // Kept on both sides, as by a replicator that has pulled all of it: the next round goes on from there too.
  await server.assign('SCI-P2', CENTER);
  await node.stop();
  await node.start();
  expect(await node.replicate()).toMatchObject({ pulled: 22 });
  expect(line.requests.filter((request) => /_changes.*since=0&?/.test(request))).toEqual([]);
  expect(await packages.difference(['SCI-P1', 'SCI-P2'])).toBeUndefined();
});

test('a package may be imported twice, and after a newer one', async ({ server, node, packages }) => {
  const first = await packages.down();
  await server.importDocuments(centerShare(CENTER, 'SCI-P1', 10, 31));
  const second = await packages.down();
  const { since } = await packages.into(second);
  expect(await packages.into(first)).toMatchObject({ written: 0, repeated: false, since });
  expect(await packages.into(second)).toMatchObject({ written: 0, repeated: true, since });
  expect(await packages.difference()).toBeUndefined();

  await node.replicate();
  await server.importDocuments([studentDocument(CENTER, 50)]);
  // Only what the center has not confirmed, by whichever way.
  expect(await packages.into(await packages.down())).toMatchObject({ documents: 1, written: 1 });
  expect(await packages.difference()).toBeUndefined();
});

test('a package that begins after what is here is refused, and nothing is changed', async ({
  server,
  packages,
}) => {
  const first = await packages.down();
  const { since } = await packages.into(first);
  await server.importDocuments([studentDocument(CENTER, 50)]);
  const { update_seq } = await server.api.request<{ update_seq: string }>('GET', `/replicas/${CENTER}`);
  await server.importDocuments([studentDocument(CENTER, 51)]);
  const gap = await packages.down({ since: update_seq });
  await expect(packages.into(gap)).rejects.toThrow(
    /package_out_of_order: .* what is between the two is missing/,
  );
  expect((await packages.difference())?.missing).toHaveLength(2);
  expect(await packages.into(first)).toMatchObject({ since });
});

test('some of the tests come by file, and the line brings the rest', async ({ server, node, packages }) => {
  await server.assign('SCI-P2', CENTER);
  const some = await packages.down({ tests: ['SCI-P2'] });
  expect(await packages.into(some)).toMatchObject({ counts: { test: 1, question: 20 }, since: null });
  await node.replicate();
  expect(await packages.difference(['SCI-P1', 'SCI-P2'])).toBeUndefined();
});

const RESULTS = [1, 2, 3].flatMap((n) => [
  answersDocument(CENTER, 'SCI-P1', n),
  resultDocument(CENTER, 'SCI-P1', n),
]);

test('results go by file, and the receipts that come back confirm them', async ({
  server,
  node,
  packages,
}) => {
  await packages.into(await packages.down());
  await node.api.request('POST', '/couch/replica/_bulk_docs', { docs: RESULTS });
  expect(await packages.status()).toMatchObject({ pendingPush: 6 });

  const up = await packages.up();
  const { report, receipts } = await packages.arrive(up);
  expect(report.refused).toEqual([]);
  const hub = await readLeaves(server.api, '/couch/cbt');
  for (const { _id } of RESULTS) expect(hub.has(_id)).toBe(true);
  expect(await packages.into(receipts)).toMatchObject({ counts: { receipt: 3 }, written: 3 });
  expect(await packages.status()).toMatchObject({ pendingPush: 0 });

  // Twice on either side: nothing is left to be done.
  expect((await packages.arrive(up)).report).toMatchObject({ written: 0, refused: [] });
  expect(await packages.into(receipts)).toMatchObject({ written: 0 });
  // The server has learned how far this replica is: two kinds of documents are new since.
  expect(await packages.into(await packages.down())).toMatchObject({
    counts: { answers: 3, result: 3, receipt: 3 },
  });
  expect(await node.replicate()).toMatchObject({ pushed: 0, pulled: 0 });
  expect(await packages.difference()).toBeUndefined();
});

test('what is made, imported and refused is on record', async ({ server, packages }) => {
  await packages.into(await packages.down());
  const up = await packages.up();
  await packages.arrive(up);
  await expect(packages.arrive(up.slice(0, -20))).rejects.toThrow(/package_damaged/);
  const audit = async (action: string) => {
    const path = `/api/audit?center=${CENTER}&action=${action}`;
    const { entries } = await server.api.request<{ entries: { outcome: string }[] }>('GET', path);
    return entries.map(({ outcome }) => outcome);
  };
  expect(await audit('package.imported')).toEqual(['refused', 'done', 'done']);
  expect(await audit('package.made')).not.toContain('refused');
  await expect(packages.down({ since: 'nonsense' })).rejects.toThrow(/bad_request/);
  expect(await audit('package.made')).toEqual(expect.arrayContaining(['done', 'refused']));
  await server.importDocuments(centerShare(CENTER, 'SCI-P1', 3000, 100));
  const left = await server.api.open(`/sync/download/${CENTER}`, { method: 'POST' });
  await left.body?.cancel();
  await until(async () => (await audit('package.made')).includes('failed'), {
    what: 'the break is on record',
  });
  const { operations } = await server.api.request<{ operations: { type: string }[] }>(
    'GET',
    `/sync/operations/${CENTER}`,
  );
  expect(operations.map(({ type }) => type)).toEqual(expect.arrayContaining(['upload', 'download']));
});

test('a change that was made after a results package is not confirmed with it', async ({
  node,
  packages,
}) => {
  await packages.into(await packages.down());
  const answers = answersDocument(CENTER, 'SCI-P1', 1);
  const path = `/couch/replica/${answers._id}`;
  const { rev } = await node.api.request<{ rev: string }>('PUT', path, answers);
  const up = await packages.up();
  await node.api.request('PUT', path, { ...answers, _rev: rev, answers: {} });
  await packages.into((await packages.arrive(up)).receipts);
  expect(await packages.status()).toMatchObject({ pendingPush: 1 });
  await packages.into((await packages.arrive(await packages.up())).receipts);
  expect(await packages.status()).toMatchObject({ pendingPush: 0 });
});

test('both sides have commands for it', async ({ server, node, folder }) => {
  const [down, up, receipts] = ['down', 'up', 'receipts'].map((name) => join(folder.path, `${name}.cbtpkg`));
  await succeed(server.command('package', 'create', CENTER, '--out', down!));
  expect(await succeed(node.command('package', 'import', down!))).toContain('revisions new here');
  await node.api.request('POST', '/couch/replica/_bulk_docs', { docs: RESULTS });
  await succeed(node.command('package', 'create', '--out', up!));
  const imported = await succeed(server.command('package', 'import', CENTER, up!, '--out', receipts!));
  expect(imported).toContain(' 0 refused');
  expect(await succeed(node.command('package', 'import', receipts!))).toContain('receipts of');
  const wrong = await node.command('package', 'import', up!);
  expect(wrong).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('a results package is not for here'),
  });
});
