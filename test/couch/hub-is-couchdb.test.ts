import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { pouchAt } from '../../replication/pouch.ts';
import { answersDocument } from '../harness/documents.ts';
import { openServerHere, type RunningServer, startServer } from '../harness/server.ts';
import { ask } from '../replica/request.ts';

/** Another server's `/couch` stands for a CouchDB: the same protocol, over real HTTP. Records what it is sent. */
async function recordingCouch(couch: RunningServer) {
  const seen: { url: string; headers: IncomingHttpHeaders }[] = [];
  const server: Server = createServer((request, response) => {
    seen.push({ url: request.url ?? '', headers: request.headers });
    const options = { method: request.method ?? 'GET', headers: request.headers };
    const onward = send(new URL(request.url ?? '/', couch.url), options, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    seen,
    hubUrl: `http://admin:${couch.adminToken}@127.0.0.1:${port}/couch/hub`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('with HUB_URL, /couch is that CouchDB and /couch/cbt its hub', async () => {
  await using couch = await openServerHere();
  await using recording = await recordingCouch(couch);
  await using server = await openServerHere({ hubUrl: recording.hubUrl });
  const askCouch = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}/couch${path}`, {
      ...init,
      headers: { authorization: `Bearer ${server.adminToken}`, ...init.headers },
      signal: AbortSignal.timeout(10_000),
    });

  expect(await (await askCouch('')).json()).toMatchObject({ couchdb: 'Welcome' });
  expect(await (await askCouch('/_all_dbs')).json()).toEqual(['cbt', 'hub']);
  expect(await (await askCouch('/cbt')).json()).toMatchObject({ db_name: 'hub' });
  expect(await (await askCouch('/cbt/_design/center')).json()).toHaveProperty('filters.by_center');
  const put = await askCouch('/cbt/a%2Fb?batch=ok', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"n":1}',
  });
  expect(put.status).toBe(201);
  expect(recording.seen.at(-1)?.url).toBe('/couch/hub/a%2Fb?batch=ok');
  expect((await askCouch('/cbt/none')).status).toBe(404);

  const basic = `Basic ${Buffer.from(`admin:${couch.adminToken}`).toString('base64')}`;
  for (const { headers } of recording.seen) expect(headers.authorization).toBe(basic);
  expect((await askCouch('/cbt', { headers: { authorization: 'Bearer nothing' } })).status).toBe(401);

  const remote = pouchAt(`${server.url.replace('://', `://admin:${server.adminToken}@`)}/couch/cbt`);
  expect(await remote.get('a/b')).toMatchObject({ n: 1 });
});

test('feeds that wait come through as they come, and end with the client and with the server', async () => {
  await using couch = await startServer();
  await using server = await startServer({
    env: { HUB_URL: `http://admin:${couch.adminToken}@${new URL(couch.url).host}/couch/hub` },
  });
  const headers = { authorization: `Bearer ${server.adminToken}` };
  const url = `${server.url}/couch/cbt`;
  const feed = await fetch(`${url}/_changes?feed=continuous&since=now&heartbeat=60000`, { headers });
  const reader = feed.body?.pipeThrough(new TextDecoderStream()).getReader();
  await fetch(`${url}/doc`, {
    method: 'PUT',
    headers: { ...headers, 'content-type': 'application/json' },
    body: '{}',
  });
  const { value } = (await reader?.read()) ?? {};
  expect(JSON.parse(value ?? '')).toMatchObject({ id: 'doc' });
  const rest = reader?.read().catch(() => 'broken off');
  const { code } = await server.stop();
  expect(code).toBe(0);
  // A feed that is cut is broken off: it must not look as if it had come to its end.
  expect(await rest).toBe('broken off');
});

test('a hub that is away is one clear error, and the server lives', async () => {
  const couch = await startServer();
  await using _couch = couch;
  await using server = await startServer({
    env: { HUB_URL: `http://admin:${couch.adminToken}@${new URL(couch.url).host}/couch/hub` },
  });
  const center = await server.addCenter('L-1');
  await couch.kill();
  const answer = await fetch(`${server.url}/couch/cbt`, {
    headers: { authorization: `Bearer ${server.adminToken}` },
  });
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({ error: 'hub_unavailable' });
  for (const [path, body] of [
    ['', undefined],
    ['/_bulk_docs', { docs: [answersDocument('L-1', 'T', 1)] }],
    ['/_revs_diff', { 'center-L-1:center:L-1': ['9-f'] }],
  ] as const) {
    const { status, json, text } = await ask(center, path, { body });
    expect([status, json.error], path).toEqual([502, 'hub_unavailable']);
    expect(text, 'where the hub is concerns no center').not.toContain(new URL(couch.url).host);
  }
  expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(502);
});
