import { type EventEmitter, once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type Database, pouchAt, pouchIn } from '../../replication/pouch.ts';
import { openServerHere } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';

/** A PouchDB of its own on the server, as any CouchDB client makes one. */
function remote(url: string, adminToken: string, name: string): Database {
  return pouchAt(`${url.replace('://', `://admin:${adminToken}@`)}/couch/${name}`, { skip_setup: false });
}

test('a PouchDB client can do all that it does with a CouchDB', async () => {
  await using server = await openServerHere();
  const db = remote(server.url, server.adminToken, 'own');
  expect(await db.info()).toMatchObject({ db_name: 'own', doc_count: 0 });

  const changes = db.changes({ live: true, include_docs: true });
  const heard = once(changes as unknown as EventEmitter, 'change');
  const put = await db.put({ _id: 'a', n: 1 });
  expect((await heard)[0]).toMatchObject({ id: 'a', doc: { n: 1 } });
  changes.cancel();

  const text = Buffer.from('an attachment');
  const attached = await db.putAttachment('a', 'note.txt', put.rev, text, 'text/plain');
  expect(String(await db.getAttachment('a', 'note.txt'))).toBe('an attachment');
  expect(await db.get('a', { attachments: true })).toMatchObject({
    _rev: attached.rev,
    _attachments: { 'note.txt': { data: text.toString('base64') } },
  });
  await db.bulkDocs([
    { _id: 'b', n: 2 },
    { _id: 'c', n: 3 },
  ] as never);
  expect((await db.allDocs({ keys: ['c', 'none'] })).rows).toMatchObject([
    { id: 'c' },
    { error: 'not_found' },
  ]);
  await db.createIndex({ index: { fields: ['n'] } });
  expect((await db.find({ selector: { n: { $gt: 2 } } })).docs).toMatchObject([{ _id: 'c' }]);
  await db.remove(await db.get('b'));
  await expect(db.get('b')).rejects.toMatchObject({ status: 404 });

  await using folder = await tempFolder();
  const local = new (pouchIn(folder.path))('copy');
  await local.replicate.from(db);
  expect(String(await local.getAttachment('a', 'note.txt'))).toBe('an attachment');
  await local.put({ _id: 'd', n: 4 } as never);
  await local.replicate.to(db);
  expect(await db.get('d')).toMatchObject({ n: 4 });
  await local.close();

  await db.destroy();
  const again = remote(server.url, server.adminToken, 'own');
  expect(await again.info()).toMatchObject({ doc_count: 0 });
  await again.destroy();
});

test('a document arrives with its attachments as multipart', async () => {
  await using server = await openServerHere();
  const doc = {
    a: 1,
    _attachments: { 'x.bin': { follows: true, length: 4, content_type: 'application/x' } },
  };
  const body = `--b\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(doc)}\r\n--b\r\n\r\nabcd\r\n--b--`;
  const headers = {
    authorization: `Bearer ${server.adminToken}`,
    'content-type': 'multipart/related; boundary="b"',
  };
  const path = `${server.url}/couch/cbt/some%2Fdoc`;
  const answer = await fetch(path, { method: 'PUT', headers, body });
  expect(answer.status).toBe(201);
  expect(await answer.json()).toMatchObject({ ok: true, id: 'some/doc' });
  const read = await fetch(`${path}/x.bin`, { headers: { authorization: headers.authorization } });
  expect(await read.text()).toBe('abcd');
});

test('nothing is left outside DATA_DIR, and no log or configuration in it', async () => {
  await using folder = await tempFolder();
  await using server = await openServerHere({ dataDir: folder.path });
  const db = remote(server.url, server.adminToken, 'own');
  await db.put({ _id: 'a' } as never);
  const names = await readdir(folder.path);
  expect(names.sort()).toEqual(['admin-token', 'control', 'couch', 'feed', 'packages', 'running.json']);
  expect((await readdir(`${folder.path}/couch`)).sort()).toEqual(['cbt', 'own']);
});

test('a database can be made again after it was destroyed under a feed and other requests', async () => {
  await using server = await openServerHere();
  const headers = { authorization: `Bearer ${server.adminToken}` };
  const at = (path: string, method = 'GET'): Promise<number> =>
    fetch(`${server.url}/couch/again${path}`, { method, headers }).then(async (answer) => {
      await answer.text();
      return answer.status;
    });
  for (let round = 0; round < 10; round += 1) {
    expect(await at('', 'PUT')).toBe(201);
    const feed = at('/_changes?feed=longpoll&since=now&timeout=1000');
    const answers = [at('', 'DELETE'), at('/_changes?feed=longpoll&since=0&timeout=10'), at('/none'), feed];
    answers.push(at('', 'DELETE'), at('/_changes?feed=longpoll&since=0&timeout=10'), at('/_all_docs'));
    const statuses = await Promise.all(answers);
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
    expect(await at('')).toBe(404);
  }
});
