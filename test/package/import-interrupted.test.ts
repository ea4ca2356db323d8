import { stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ImportLine } from '../../local-node/routes/packages.ts';
import type { StatusAnswer } from '../../local-node/routes/schemas.ts';
import { PACKAGE_MEDIA_TYPE } from '../../replication/package/manifest.ts';
import { centerShare } from '../harness/documents.ts';
import { type RunningNode, startNode } from '../harness/node.ts';
import { smallDisk } from '../harness/small-disk.ts';
import { until } from '../harness/until.ts';
import { CENTER, openPackages, test } from './world.ts';

/** Thousands of documents are imported online first. */
const LONG = { timeout: 120_000 };

/** Starts an import and reads its progress. */
async function* watched(node: RunningNode, file: Uint8Array<ArrayBuffer>): AsyncGenerator<ImportLine> {
  const response = await node.api.open('/api/packages', {
    method: 'POST',
    headers: { 'content-type': PACKAGE_MEDIA_TYPE, accept: 'application/x-ndjson' },
    body: file,
  });
  let rest = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as ImportLine;
  }
}

test(
  'an import that is killed in the middle is not seen, and goes on when the node starts again',
  LONG,
  async ({ server, center, folder }) => {
    await using node = await startNode({ server: server.url, center });
    const packages = openPackages(server, node, folder);
    const small = await packages.down();
    await server.importDocuments(centerShare(CENTER, 'SCI-P1', 5000, 100));
    const file = await packages.down();
    await packages.into(small);
    for await (const line of watched(node, file)) {
      if ('progress' in line && line.progress.phase === 'writing') break;
    }
    await node.kill();
    await node.start();
    await until(async () => (await packages.difference()) === undefined, { what: 'the import goes on' });
    expect(await packages.into(file)).toMatchObject({ written: 0, repeated: true });
    expect(await node.replicate()).toMatchObject({ pushed: 0, pulled: 0 });
  },
);

test('a bad package changes nothing, wherever it is bad', async ({ node, packages }) => {
  const file = await packages.down();
  const before = await node.api.request<{ update_seq: number }>('GET', '/couch/replica');
  const altered = (at: number) => {
    const copy = file.slice();
    copy[at] = copy[at]! ^ 4;
    return copy;
  };
  for (const bad of [altered(200), altered(file.length - 40), file.slice(0, -20), file.slice(0, 3000)]) {
    await expect(packages.into(bad)).rejects.toThrow(/package_damaged/);
  }
  await expect(packages.into(new Uint8Array(50_000))).rejects.toThrow(/not_a_package/);
  expect(await node.api.request('GET', '/couch/replica')).toMatchObject({ update_seq: before.update_seq });
  expect(await packages.into(file)).toMatchObject({ repeated: false });
  expect(await packages.difference()).toBeUndefined();
});

test(
  'a package that the disk has no room for is refused, and imported when there is room',
  LONG,
  async ({ server, center, folder }) => {
    await using disk = await smallDisk(48);
    await using node = await startNode({ server: server.url, center, dataDir: disk.path });
    const packages = openPackages(server, node, folder);
    await server.importDocuments(centerShare(CENTER, 'SCI-P1', 3000, 100));
    const file = await packages.down();
    await disk.fill();
    await expect(packages.into(file)).rejects.toThrow(/insufficient_storage/);
    await disk.makeRoom();
    await node.stop();
    await node.start();
    await packages.into(file);
    expect(await packages.difference()).toBeUndefined();
  },
);

test(
  'an import that waits to be gone on with is not displaced by a bad package',
  LONG,
  async ({ server, center, folder }) => {
    await using disk = await smallDisk(48);
    await using node = await startNode({ server: server.url, center, dataDir: disk.path });
    const packages = openPackages(server, node, folder);
    await server.importDocuments(centerShare(CENTER, 'SCI-P1', 3000, 100));
    const file = await packages.down();
    await disk.fill();
    // Enough to copy and check it, and not enough to write what is in it.
    const filler = join(disk.path, 'filler');
    await truncate(filler, (await stat(filler)).size - (1 << 20));
    await expect(packages.into(file)).rejects.toThrow(/insufficient_storage/);
    await disk.makeRoom();
    for (const bad of [file.slice(0, -20), new Uint8Array(5000)]) {
      await expect(packages.into(bad)).rejects.toThrow(/package_damaged|not_a_package/);
    }
    await node.stop();
    await node.start();
    await until(async () => (await packages.difference()) === undefined, { what: 'the import goes on' });
    expect(await packages.into(file)).toMatchObject({ written: 0, repeated: true });
  },
);

test(
  'whoever looks in sees how far an import is, also when nobody waits for its answer',
  LONG,
  async ({ server, node, packages }) => {
    await server.importDocuments(centerShare(CENTER, 'SCI-P1', 3000, 100));
    const file = await packages.down();
    const events = await node.api.open('/api/events');
    for await (const line of watched(node, file)) {
      if ('progress' in line) break;
    }
    const seen: StatusAnswer['packageImport'][] = [];
    for await (const { packageImport } of statuses(events)) {
      seen.push(packageImport);
      if (packageImport === null && seen.some((one) => one?.phase === 'writing')) break;
    }
    expect(seen).toContainEqual({ phase: 'writing', revisions: expect.any(Number), total: 6084 });
    expect(await packages.status()).toMatchObject({ packageImport: null });
    expect(await packages.difference()).toBeUndefined();
  },
);

async function* statuses(events: Response): AsyncGenerator<StatusAnswer> {
  let rest = '';
  for await (const chunk of events.body!.pipeThrough(new TextDecoderStream())) {
    const frames = (rest + chunk).split('\n\n');
    rest = frames.pop() ?? '';
    for (const frame of frames) {
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      if (data) yield JSON.parse(data) as StatusAnswer;
    }
  }
}
