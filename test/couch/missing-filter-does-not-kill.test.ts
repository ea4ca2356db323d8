import { test as base, expect } from 'vitest';
import { type ServerProcess, startServer } from '../harness/server.ts';

const test = base.extend<{ server: ServerProcess }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures a fixture needs from its first argument
  server: async ({}, use) => {
    await using server = await startServer();
    await use(server);
  },
});

const TOO_LONG_MS = 5000;

/** Sends a raw request under /couch; rejects when it hangs. */
function ask({ url, adminToken }: ServerProcess, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${adminToken}`, ...init.headers };
  return fetch(`${url}/couch${path}`, { ...init, headers, signal: AbortSignal.timeout(TOO_LONG_MS) });
}

const json = { 'content-type': 'application/json' };
const related = { 'content-type': 'multipart/related; boundary=x' };

test('requests that are wrong are answered, and the server goes on', async ({ server }) => {
  const { pid } = server;
  const wrong: [path: string, init?: RequestInit][] = [
    ['/cbt/_changes?filter=no/such'],
    ['/cbt/_changes?filter=center/nothing'],
    ['/cbt/_changes?filter=no/such&feed=longpoll'],
    ['/cbt/_changes?filter=no/such&feed=continuous'],
    ['/cbt/_changes?filter=_view&view=no/such&feed=continuous'],
    ['/cbt/_changes?filter=_view'],
    ['/cbt/_changes', { method: 'POST', headers: json, body: '{"doc_ids":' }],
    ['/cbt/_changes?feed=longpoll', { method: 'POST', headers: json, body: '[]' }],
    [
      '/cbt/_changes?filter=_doc_ids&feed=longpoll&timeout=1',
      { method: 'POST', headers: json, body: '{"doc_ids":7}' },
    ],
    ['/cbt/_design/none/_view/none'],
    ['/cbt/_design/reports/_view/none'],
    ['/cbt/_find', { method: 'POST', headers: json, body: '{"selector":7}' }],
    ['/cbt/_find', { method: 'POST', headers: json, body: '{"selector":{"a":{"$no":1}}}' }],
    ['/cbt/_bulk_docs', { method: 'POST', headers: json, body: '{}' }],
    ['/cbt/_bulk_docs', { method: 'POST', headers: json, body: '{"docs":[1,null]}' }],
    ['/cbt/_bulk_get', { method: 'POST', headers: json, body: '{"docs":7}' }],
    ['/cbt/_revs_diff', { method: 'POST', headers: json, body: '{"a":7}' }],
    ['/cbt/doc', { method: 'PUT', headers: json, body: 'null' }],
    ['/cbt/doc', { method: 'PUT', headers: json, body: '{"_attachments":{"a":{}}}' }],
    ['/cbt/_bulk_docs', { method: 'POST', headers: json, body: '{"docs":[{"_attachments":{"a":5}}]}' }],
    ['/cbt/doc', { method: 'PUT', headers: json, body: '[1]' }],
    ['/cbt/doc', { method: 'PUT', headers: related, body: 'neither' }],
    ['/cbt/doc', { method: 'PUT', headers: related, body: '--x\r\n\r\n{"a":\r\n--x--' }],
    [
      '/cbt/doc',
      { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=x' }, body: '--x--' },
    ],
    ['/cbt/doc?rev=7'],
    ['/cbt/doc?open_revs=7'],
    ['/cbt/_all_docs?keys=7'],
    ['/none/_changes?feed=longpoll'],
    ['/none'],
    ['/', { method: 'PUT' }],
    ['/cbt/%E0%A4%A'],
  ];
  for (const [path, init] of wrong) {
    const answer = await ask(server, path, init).catch((error: unknown) => {
      throw new Error(`${init?.method ?? 'GET'} ${path} has no answer: ${error}\n${server.output}`);
    });
    expect(answer.status, `${init?.method ?? 'GET'} ${path}`).toBeGreaterThanOrEqual(200);
    await answer.text();
  }
  expect((await ask(server, '/cbt/_changes?filter=no/such')).status).toBe(404);
  expect(await (await ask(server, '/cbt')).json()).toMatchObject({ db_name: 'cbt' });
  expect(server.pid).toBe(pid);
});

test('the hub cannot be destroyed, and only administrators come in', async ({ server }) => {
  expect((await ask(server, '/cbt', { method: 'DELETE' })).status).toBe(403);
  const center = await server.addCenter('LAG-1');
  for (const authorization of ['', center.authorization, 'Bearer nothing', 'Basic YWRtaW46bm90aGluZw==']) {
    const answer = await ask(server, '/cbt/_all_docs', { headers: { authorization } });
    expect(answer.status, authorization).toBe(401);
    expect(await answer.json()).toMatchObject({ error: 'unauthorized' });
  }
  const basic = `Basic ${Buffer.from(`admin:${server.adminToken}`).toString('base64')}`;
  expect((await ask(server, '/cbt', { headers: { authorization: basic } })).status).toBe(200);
});

test('a stop ends feeds that wait, with an answer that is whole', async ({ server }) => {
  const longpoll = await ask(server, '/cbt/_changes?feed=longpoll&since=now&heartbeat=60000');
  const continuous = await ask(server, '/cbt/_changes?feed=continuous&since=now&heartbeat=60000');
  const bodies = Promise.all([longpoll.text(), continuous.text()]);
  const exit = await server.stop();
  expect(exit.code).toBe(0);
  const [answer, lines] = await bodies;
  expect(JSON.parse(answer)).toMatchObject({ results: [] });
  expect(JSON.parse(lines)).toHaveProperty('last_seq');
});
