import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { StatusAnswer } from '../../local-node/routes/schemas.ts';
import { type FaultProxy, openFaultProxy } from '../harness/fault-proxy.ts';
import { type NodeProcess, startNode } from '../harness/node.ts';
import { type ServerProcess, startServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { CENTER } from '../node/center.ts';
import { subject } from '../node/documents.ts';
import { finished, idsIn, resultId, write } from './center.ts';

interface Restored extends AsyncDisposable {
  server: ServerProcess;
  line: FaultProxy;
  node: NodeProcess;
  status(): Promise<StatusAnswer>;
  resultsOnline(): Promise<string[]>;
}

const YESTERDAY = [1, 2, 3];
const TODAY = [4, 10, 11];

/** A center whose results are all confirmed, and a server that was put back to where it stood in the middle. */
async function restored(part: string): Promise<Restored> {
  await using opening = new AsyncDisposableStack();
  const server = opening.use(await startServer());
  const center = await server.addCenter(CENTER);
  await server.importDocuments([subject('SCI')]);
  const line = opening.use(await openFaultProxy(server.url));
  const node = opening.use(await startNode({ server: line.url, center }));
  const status = () => node.api.request<StatusAnswer>('GET', '/api/status');
  await write(node.replicaUrl, YESTERDAY.flatMap(finished));
  await node.replicate();
  const backup = opening.use(await tempFolder('cbt-backup'));
  await server.stop();
  await cp(join(server.dataDir, part), join(backup.path, part), { recursive: true });
  await server.start();
  await write(node.replicaUrl, TODAY.flatMap(finished));
  await node.replicate();
  await node.replicate();
  expect(await status()).toMatchObject({ results: { confirmed: 6 }, wipe: { allowed: true, reasons: [] } });
  await server.stop();
  await rm(join(server.dataDir, part), { recursive: true });
  await cp(join(backup.path, part), join(server.dataDir, part), { recursive: true });
  await server.start();
  const opened = opening.move();
  return {
    server,
    line,
    node,
    status,
    resultsOnline: () =>
      idsIn(`${server.url}/couch/cbt`, `center-${CENTER}:result:`, `Bearer ${server.adminToken}`),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

test('a server put back from a backup gets again what it lost, and nothing of it counts as confirmed until then', async () => {
  await using center = await restored('.');
  expect(await center.resultsOnline()).toEqual(YESTERDAY.map(resultId));
  center.line.answerNext(1, 503, /_bulk_docs/);
  await expect(center.node.replicate()).rejects.toThrow();
  expect(await center.status()).toMatchObject({
    results: { total: 6, confirmed: 3, missingCount: 3 },
    wipe: { allowed: false },
  });
  await center.node.replicate();
  expect(await center.resultsOnline()).toEqual([...YESTERDAY, ...TODAY].map(resultId));
  expect(await center.status()).toMatchObject({
    results: { total: 6, confirmed: 6, missing: [] },
    verification: { equal: true, differences: [] },
    wipe: { allowed: true, reasons: [] },
  });
});

test('where only the hub was put back, and checkpoints say that all is there, the comparison finds what is not', async () => {
  await using center = await restored('couch');
  const before = center.line.requests.length;
  await center.node.replicate();
  await center.node.replicate();
  expect(await center.resultsOnline()).toEqual([...YESTERDAY, ...TODAY].map(resultId));
  expect(await center.status()).toMatchObject({
    results: { confirmed: 6 },
    verification: { equal: true },
    wipe: { allowed: true },
  });
  expect(center.line.requests.slice(before).some((request) => request.includes('partition='))).toBe(true);
});

test('a repair hands over what only the node has, and takes none of it out', async () => {
  await using center = await restored('couch');
  // The results, their sheets and sessions, and what the log says of them.
  expect((await center.node.command('repair')).output).not.toContain('still differ');
  const { entries } = await center.node.api.request<{ entries: object[] }>('GET', '/api/quarantine');
  expect(entries).toEqual([]);
  expect(await center.resultsOnline()).toEqual([...YESTERDAY, ...TODAY].map(resultId));
});
