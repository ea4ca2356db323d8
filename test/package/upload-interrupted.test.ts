import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PACKAGE_MEDIA_TYPE } from '../../replication/package/manifest.ts';
import type { AuditEntry } from '../../server/control/audit.ts';
import type { UploadReport } from '../../server/packages/upload.ts';
import {
  answersDocument,
  centerShare,
  resultDocument,
  subjectDocument,
  wholeTest,
} from '../harness/documents.ts';
import { openNodeHere, type RunningNode } from '../harness/node.ts';
import { type RunningServer, startServer } from '../harness/server.ts';
import { smallDisk } from '../harness/small-disk.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
import { CENTER, openPackages, type Packages } from './world.ts';

const LONG = { timeout: 120_000 };

/** A center whose node has written results that only a package will bring. */
async function openCenter(
  server: RunningServer,
  results: number,
): Promise<AsyncDisposable & { node: RunningNode; packages: Packages }> {
  await using opening = new AsyncDisposableStack();
  const center = await server.addCenter(CENTER);
  await server.importDocuments([subjectDocument('SCI'), ...wholeTest('SCI-P1', 10)]);
  await server.importDocuments(centerShare(CENTER, 'SCI-P1', results));
  await server.assign('SCI-P1', CENTER);
  const node = opening.use(await openNodeHere({ server: server.url, center }));
  const folder = opening.use(await tempFolder());
  const docs = Array.from({ length: results }, (_, n) => [
    answersDocument(CENTER, 'SCI-P1', n + 1),
    resultDocument(CENTER, 'SCI-P1', n + 1),
  ]).flat();
  await node.api.request('POST', '/couch/replica/_bulk_docs', { docs });
  const opened = opening.move();
  return {
    node,
    packages: openPackages(server, node, folder),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function uploadsOf(server: RunningServer): Promise<Pick<AuditEntry, 'outcome' | 'details'>[]> {
  const path = `/api/audit?action=package.imported&center=${CENTER}`;
  const { entries } = await server.api.request<{ entries: AuditEntry[] }>('GET', path);
  return entries.map(({ outcome, details }) => ({ outcome, details }));
}

const staged = (server: RunningServer) => readdir(join(server.dataDir, 'packages'));

async function bytesStaged(server: RunningServer): Promise<number> {
  const files = (await staged(server)).map((name) => join(server.dataDir, 'packages', name));
  return (await Promise.all(files.map((file) => stat(file)))).reduce((sum, { size }) => sum + size, 0);
}

function upload(server: RunningServer, body: BodyInit, signal?: AbortSignal): Promise<Response> {
  const headers = { 'content-type': PACKAGE_MEDIA_TYPE, accept: 'application/json' };
  const init = { method: 'POST', headers, body, duplex: 'half' as const };
  return server.api.open(`/sync/upload/${CENTER}`, signal ? { ...init, signal } : init);
}

/** A body of which the end never comes. */
function halfOf(file: Uint8Array): ReadableStream {
  return new ReadableStream({ start: (body) => body.enqueue(file.subarray(0, file.length / 2)) });
}

test(
  'a server that is killed while it writes has everything once when it gets the package again',
  LONG,
  async () => {
    await using server = await startServer();
    await using center = await openCenter(server, 600);
    const { packages } = center;
    const file = await packages.up();
    const written = async () =>
      (await server.api.request<{ update_seq: number }>('GET', '/couch/cbt')).update_seq;
    const before = await written();
    const broken = upload(server, file).catch(() => {});
    await until(async () => (await written()) > before, { what: 'revisions are written' });
    await server.kill();
    await broken;
    await server.start();
    const again = (await (await upload(server, file)).json()) as UploadReport;
    expect(again).toMatchObject({ counts: { answers: 600, result: 600 }, refused: [] });
    const { report, receipts } = await packages.arrive(file);
    expect(report).toMatchObject({ written: 0, refused: [] });
    await packages.into(receipts);
    expect((await packages.status()).results).toMatchObject({ total: 600, confirmed: 600 });
    expect(await staged(server)).toEqual([]);
  },
);

test('what a killed server leaves of a package is taken away, and on record', LONG, async () => {
  await using server = await startServer();
  await using center = await openCenter(server, 1);
  const file = await center.packages.up();
  const { packageId } = JSON.parse(
    Buffer.from(file).toString().split('\n', 1)[0]!.split(' ').slice(2).join(' '),
  );
  const broken = upload(server, halfOf(file)).catch(() => {});
  await until(async () => (await bytesStaged(server)) > 0, { what: 'the package is being copied' });
  await server.kill();
  await broken;
  await server.start();
  expect(await staged(server)).toEqual([]);
  expect(await uploadsOf(server)).toEqual([
    {
      outcome: 'failed',
      details: { packageId, reason: 'the server ended before all of it was imported: import it again' },
    },
  ]);
  expect((await center.packages.arrive(file)).report).toMatchObject({ refused: [] });
});

test(
  'an upload that its client breaks off is on record as such, and no failure of the server’s',
  LONG,
  async () => {
    await using server = await startServer();
    await using center = await openCenter(server, 1);
    const leave = new AbortController();
    const broken = upload(server, halfOf(await center.packages.up()), leave.signal).catch(() => {});
    await until(async () => (await staged(server)).length > 0, { what: 'the package is being copied' });
    leave.abort();
    await broken;
    await until(async () => (await uploadsOf(server)).length > 0, { what: 'it is on record' });
    expect(await uploadsOf(server)).toEqual([
      { outcome: 'refused', details: { reason: 'bad_request: the package broke off before its end' } },
    ]);
    expect(await staged(server)).toEqual([]);
    expect(server.output).toBe('');
  },
);

test('a server whose disk is full takes a package in when there is room again', LONG, async () => {
  await using disk = await smallDisk(64);
  await using server = await startServer({ dataDir: disk.path });
  await using center = await openCenter(server, 300);
  const file = await center.packages.up();
  await disk.fill();
  await expect(upload(server, file)).rejects.toThrow(/^insufficient_storage: the disk is full/);
  expect(await staged(server)).toEqual([]);
  await disk.makeRoom();
  await server.stop();
  await server.start();
  const { report, receipts } = await center.packages.arrive(file);
  expect(report).toMatchObject({ counts: { result: 300 }, refused: [] });
  await center.packages.into(receipts);
  expect((await center.packages.status()).results).toMatchObject({ total: 300, confirmed: 300 });
});
