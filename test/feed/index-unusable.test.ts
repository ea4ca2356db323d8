import { cp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { openFeed } from '../../server/feed/open.ts';
import { openHub } from '../../server/hub.ts';
import { centerShare } from '../harness/documents.ts';
import { type TempFolder, tempFolder } from '../harness/temp-folder.ts';

interface Seen {
  token: string;
  documents: number;
}

/** Writes `count` candidates, and tells what center L-1 then sees. */
async function write({ path }: TempFolder, count: number, from: number): Promise<Seen> {
  await using hub = await openHub({ dataDir: path, hubUrl: undefined });
  await using feed = await openFeed({ dataDir: path, hub, log: pino({ level: 'silent' }) });
  await hub.write(centerShare('L-1', 'T', count, from).slice(1), { newEdits: true });
  await feed.fresh();
  const { updateSeq, documents } = feed.info('L-1');
  return { token: updateSeq, documents };
}

/** The rows that follow a token. */
async function rowsAfter({ path }: TempFolder, token: string): Promise<number> {
  await using hub = await openHub({ dataDir: path, hubUrl: undefined });
  await using feed = await openFeed({ dataDir: path, hub, log: pino({ level: 'silent' }) });
  await feed.fresh();
  let rows = 0;
  for await (const batch of feed.changes('L-1', token).batches) rows += batch.length;
  return rows;
}

test('an index that is kept goes on where it was', async () => {
  await using folder = await tempFolder();
  const { token } = await write(folder, 3, 1);
  expect(await rowsAfter(folder, token)).toBe(0);
});

test.each(['CURRENT', 'MANIFEST'])('an index whose %s is damaged is built again', async (name) => {
  await using folder = await tempFolder();
  const { token } = await write(folder, 3, 1);
  const index = join(folder.path, 'feed');
  const file = (await readdir(index)).find((candidate) => candidate.startsWith(name)) as string;
  await writeFile(join(index, file), 'damaged\n');
  expect(await rowsAfter(folder, token), 'its tokens are another index’s').toBe(6);
});

test('an index of a hub that was since restored from a backup is built again', async () => {
  await using folder = await tempFolder();
  await write(folder, 3, 1);
  const backup = join(folder.path, 'backup');
  await cp(join(folder.path, 'couch'), backup, { recursive: true });
  const { token, documents } = await write(folder, 3, 10);
  expect(documents).toBe(12);
  await rm(join(folder.path, 'couch'), { recursive: true });
  await cp(backup, join(folder.path, 'couch'), { recursive: true });
  expect((await write(folder, 1, 20)).documents).toBe(8);
  expect(await rowsAfter(folder, token)).toBe(8);
});

test('an index of another hub is built again', async () => {
  await using folder = await tempFolder();
  const { token } = await write(folder, 3, 1);
  await rm(join(folder.path, 'couch'), { recursive: true });
  await write(folder, 4, 10);
  expect(await rowsAfter(folder, token)).toBe(8);
});

test('a document that is nested too deeply is left out, and what comes after it is not', async () => {
  await using folder = await tempFolder();
  await using hub = await openHub({ dataDir: folder.path, hubUrl: undefined });
  const [deep, ...others] = centerShare('L-1', 'T', 2, 1).slice(1);
  // Deeper than any stack, as another program may have written it into a CouchDB.
  const endless = (): object => ({
    get a() {
      return endless();
    },
  });
  const changes = hub.db.changes.bind(hub.db);
  const told = (options: PouchDB.Core.ChangesOptions) =>
    options.live
      ? changes(options)
      : changes(options).then((answer) => ({
          ...answer,
          results: answer.results.map((row) =>
            row.id === deep?._id ? { ...row, doc: { ...row.doc, nested: endless() } } : row,
          ),
        }));
  Object.assign(hub.db, { changes: told });
  await using feed = await openFeed({ dataDir: folder.path, hub, log: pino({ level: 'silent' }) });
  await hub.write([deep as StoredDocument, ...others], { newEdits: true });
  await feed.fresh();
  expect(feed.info('L-1').documents).toBe(others.length);
});

test('a change that the hub tells twice in one answer counts once', async () => {
  await using folder = await tempFolder();
  await using hub = await openHub({ dataDir: folder.path, hubUrl: undefined });
  const changes = hub.db.changes.bind(hub.db);
  const told = (options: PouchDB.Core.ChangesOptions) =>
    options.live
      ? changes(options)
      : changes(options).then((answer) => ({ ...answer, results: [...answer.results, ...answer.results] }));
  Object.assign(hub.db, { changes: told });
  await using feed = await openFeed({ dataDir: folder.path, hub, log: pino({ level: 'silent' }) });
  await hub.write(centerShare('L-1', 'T', 3, 1).slice(1), { newEdits: true });
  await feed.fresh();
  expect(feed.info('L-1').documents).toBe(6);
  const rows = [];
  for await (const batch of feed.changes('L-1', '0').batches) rows.push(...batch);
  expect(rows).toHaveLength(6);
});
