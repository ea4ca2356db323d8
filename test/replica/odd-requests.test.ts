import { once } from 'node:events';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { test as base, expect } from 'vitest';
import { pouchAt } from '../../replication/pouch.ts';
import { answersDocument, centerShare } from '../harness/documents.ts';
import { type CenterAccess, openServerHere, type RunningServer } from '../harness/server.ts';
import { ask, type Json } from './request.ts';

const test = base.extend<{ server: RunningServer; center: CenterAccess }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads a fixture's needs off the pattern.
  server: async ({}, use) => {
    await using server = await openServerHere();
    await use(server);
  },
  center: async ({ server }, use) => {
    const center = await server.addCenter('L-1');
    await server.importDocuments(centerShare('L-1', 'T', 2));
    await use(center);
  },
});

test('a method that a path does not have is not a path that is not there', async ({ center }) => {
  for (const [method, path, allowed] of [
    ['DELETE', '', 'GET, HEAD, POST, PUT'],
    ['GET', '/_bulk_get', 'POST'],
    ['PUT', '/_changes', 'GET, HEAD, POST'],
    ['POST', '/center-L-1:answers:x', 'DELETE, GET, HEAD, PUT'],
  ] as const) {
    const { status, json, headers } = await ask(center, path, { method });
    expect([status, json.error, headers.get('allow')], path).toEqual([405, 'method_not_allowed', allowed]);
  }
  await expect(
    pouchAt(center.replicaUrl).destroy(),
    'PouchDB is not told that it is gone',
  ).rejects.toMatchObject({ status: 405 });
});

test('the slash of a _local id may be encoded', async ({ center }) => {
  expect((await ask(center, '/_local%2Fa', { method: 'PUT', body: { n: 1 } })).status).toBe(201);
  expect((await ask(center, '/_local/a')).json.n).toBe(1);
  expect((await ask(center, '/_local%2fa')).json.n).toBe(1);
});

test('an id may be as long as a request’s head', async ({ center }) => {
  const doc = { ...answersDocument('L-1', 'T', 1), _id: `center-L-1:answers:${'x'.repeat(3000)}` };
  expect((await ask(center, '/_bulk_docs', { body: { docs: [doc] } })).json[0].ok).toBe(true);
  expect((await ask(center, `/${doc._id}`)).status).toBe(200);
});

test('_all_docs takes in its body what it takes in the URL', async ({ center }) => {
  const body = {
    startkey: 'center-L-1:student:',
    endkey: 'center-L-1:student:~',
    inclusive_end: false,
    include_docs: true,
    limit: 1,
  };
  const { rows } = (await ask(center, '/_all_docs', { body })).json;
  expect(rows.map(({ doc }: Json) => doc.type)).toEqual(['student']);
  expect((await ask(center, '/_all_docs', { body: [] })).status).toBe(400);
});

test('a query that is none is the caller’s mistake', async ({ center }) => {
  const selector = { type: { $near: 1 } };
  for (const [path, body] of [
    ['/_find', { selector }],
    ['/_find', { selector: {}, sort: [5] }],
    ['/_find', { selector: {}, sort: [{}] }],
    ['/_changes?filter=_selector', { selector }],
  ] as const) {
    const { status, json } = await ask(center, path, { body });
    expect([status, json.error], JSON.stringify(body)).toEqual([400, 'bad_request']);
  }
});

test('a continuous feed that ends at its limit says what is left', async ({ center }) => {
  const all = (await ask(center, '/_changes')).json.results.length;
  const lines = (await ask(center, '/_changes?feed=continuous&limit=1')).text.trim().split('\n');
  expect(JSON.parse(lines[1] as string).pending).toBe(all - 1);
});

test('a multipart body without an end is cut off before it fills the memory', async ({ center }) => {
  const { hostname, port, pathname } = new URL(center.replicaUrl);
  const put = request({
    hostname,
    port,
    path: `${pathname}/${answersDocument('L-1', 'T', 1)._id}`,
    method: 'PUT',
    headers: { authorization: center.authorization, 'content-type': 'multipart/related; boundary="b"' },
  });
  const head = { ...answersDocument('L-1', 'T', 1), _attachments: { a: { follows: true } } };
  put.write(`--b\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(head)}\r\n--b\r\n\r\n`);
  const answered = once(put, 'response');
  const megabyte = Buffer.alloc(1 << 20, 'x');
  for (let sent = 0; sent < 80; sent += 1) if (!put.write(megabyte)) await once(put, 'drain');
  put.end('\r\n--b--');
  const [{ statusCode }] = await answered;
  expect(statusCode).toBe(413);
});

test('an attachment that unpacks to more than a body may hold is refused', async ({ center }) => {
  const bytes = gzipSync(new Uint8Array(80 << 20));
  const stub = { follows: true, encoding: 'gzip', encoded_length: bytes.length, content_type: 'text/plain' };
  const doc = { ...answersDocument('L-1', 'T', 1), _attachments: { a: stub } };
  const head = `--b\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(doc)}\r\n--b\r\n\r\n`;
  const parts = [head, new Uint8Array(bytes), '\r\n--b--'];
  const body = new Uint8Array(await new Blob(parts).arrayBuffer());
  const headers = { 'content-type': 'multipart/related; boundary="b"' };
  expect((await ask(center, `/${doc._id}`, { method: 'PUT', body, headers })).status).toBe(400);
});

test('a feed of no rows counts what is pending, as CouchDB’s replicator asks for it', async ({ center }) => {
  const { results } = (await ask(center, '/_changes')).json;
  for (const [since, pending] of [
    ['"0"', results.length],
    [JSON.stringify(results[1].seq), results.length - 2],
    [results.at(-1).seq, 0],
  ] as const) {
    const { json } = await ask(center, `/_changes?since=${encodeURIComponent(since)}&limit=0`);
    expect(json).toEqual({ results: [], last_seq: since.replaceAll('"', ''), pending });
  }
  const body = { selector: { type: 'center' } };
  const none = (await ask(center, '/_changes?filter=_selector&limit=0', { body })).json;
  expect([none.results, none.last_seq]).toEqual([[], '0']);
});

test('a body that is gzip is unpacked, an attachment too; another encoding is refused', async ({
  center,
}) => {
  const doc = answersDocument('L-1', 'T', 7);
  const at = `/${encodeURIComponent(doc._id)}`;
  const packed = { 'content-encoding': 'gzip' };
  const put = (path: string, body: string, headers: Record<string, string>) =>
    ask(center, path, { method: 'PUT', body: new Uint8Array(gzipSync(body)), headers });
  const made = await put(at, JSON.stringify(doc), packed);
  expect(made.status).toBe(201);
  const added = await put(`${at}/a.txt?rev=${made.json.rev}`, 'text', {
    ...packed,
    'content-type': 'text/plain',
  });
  expect(added.status).toBe(201);
  expect((await ask(center, `${at}/a.txt`)).text).toBe('text');
  for (const path of [`${at}?rev=${added.json.rev}`, `${at}/a.txt?rev=${added.json.rev}`]) {
    const refused = await put(path, '{}', { 'content-encoding': 'br' });
    expect([refused.status, refused.json.error], path).toEqual([415, 'unsupported_media_type']);
  }
});

test('a replicator that tries to sign in first learns that it can do without', async ({ server }) => {
  const body = new URLSearchParams({ name: 'L-1', password: 'secret' });
  const answer = await fetch(`${server.url}/_session`, { method: 'POST', body });
  expect([answer.status, await answer.json()]).toMatchObject([404, { error: 'not_found' }]);
});
