import { expect, test } from 'vitest';
import { answersDocument, centerShare, questionDocument, wholeTest } from '../harness/documents.ts';
import { type CenterAccess, openServerHere, startServer } from '../harness/server.ts';
import { ask, type Json } from './request.ts';

/** The lines of a continuous feed, as they come. */
async function* linesOf(center: CenterAccess, query: string, signal: AbortSignal): AsyncGenerator<string> {
  const { origin, pathname } = new URL(center.replicaUrl);
  const response = await fetch(`${origin}${pathname}/_changes?${query}`, {
    headers: { authorization: center.authorization },
    signal,
  });
  let rest = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    rest += new TextDecoder().decode(chunk);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

test('a continuous feed gives what is there, then what comes, with heartbeats between', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  await server.importDocuments([...wholeTest('T', 2), ...centerShare('L-1', 'T', 1)]);
  const stop = new AbortController();
  const lines = linesOf(center, 'feed=continuous&heartbeat=100&include_docs=true', stop.signal);
  const next = async (): Promise<string> => (await lines.next()).value as string;
  const ids: string[] = [];
  for (let beats = 0; beats < 2; ) {
    const line = await next();
    if (line === '') beats += 1;
    else ids.push(JSON.parse(line).id);
  }
  expect(ids).toHaveLength(3);
  await server.assign('T', 'L-1');
  const late: string[] = [];
  while (late.length < 4) {
    const line = await next();
    if (line !== '') late.push(JSON.parse(line).doc._id);
  }
  expect(late).toContain(questionDocument('T', 2)._id);
  stop.abort();
});

test('a longpoll ends empty at its timeout, and continuous at its own', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  const { update_seq } = (await ask(center, '')).json;
  const longpoll = await ask(center, `/_changes?feed=longpoll&timeout=50&since=${update_seq}`);
  expect(longpoll.json).toEqual({ results: [], last_seq: update_seq, pending: 0 });
  const now = await ask(center, '/_changes?feed=longpoll&timeout=50&since=now');
  expect(now.json.results).toEqual([]);
  const continuous = await ask(center, `/_changes?feed=continuous&timeout=50&since=${update_seq}`);
  expect(JSON.parse(continuous.text).last_seq).toBe(update_seq);
});

test('a waiting feed ends when its secret is replaced', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  const waiting = ask(center, '/_changes?feed=longpoll&heartbeat=60000&since=now');
  await ask(center, '');
  await server.api.request('POST', '/api/centers/L-1/secret');
  expect((await waiting).json.results).toEqual([]);
  expect((await ask(center, '/_changes')).status).toBe(401);
});

test('a server that stops ends its waiting feeds as whole answers', async () => {
  await using server = await startServer();
  const center = await server.addCenter('L-1');
  const waiting = ask(center, '/_changes?feed=longpoll&heartbeat=60000&since=now');
  await ask(center, '');
  const { code } = await server.stop();
  expect(code).toBe(0);
  expect((await waiting).json.results).toEqual([]);
});

test('nonsense is answered with what is wrong with it', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  await ask(center, '/_bulk_docs', { body: { docs: [answersDocument('L-1', 'T', 1)] } });
  const requests: [path: string, options: Parameters<typeof ask>[2], status: number][] = [
    ['/_changes?since=tomorrow', {}, 400],
    ['/_changes?feed=sometimes', {}, 400],
    ['/_changes?limit=-1', {}, 400],
    ['/_changes?filter=_doc_ids', { body: { doc_ids: 'x' } }, 400],
    ['/_changes?filter=_selector', { body: {} }, 400],
    ['/_changes?descending=true&feed=continuous', {}, 400],
    ['/_bulk_get', { body: { docs: 'x' } }, 400],
    ['/_bulk_get', { body: { docs: [{}] } }, 400],
    ['/_bulk_get', { body: '{"docs":', headers: { 'content-type': 'application/json' } }, 400],
    ['/_bulk_docs', { body: [] }, 400],
    ['/_bulk_docs', { body: { docs: {} } }, 400],
    ['/_revs_diff', { body: { x: 'y' } }, 400],
    ['/_all_docs?startkey=x', {}, 400],
    ['/_all_docs', { body: { keys: 'x' } }, 400],
    ['/_find', { body: {} }, 400],
    ['/_find', { body: { selector: { a: { $nothing: 1 } } } }, 400],
    ['/_find', { body: { selector: {}, limit: 'x' } }, 400],
    ['/_local/x', { method: 'PUT', body: 'x' }, 400],
    ['/x', { method: 'PUT', body: { _id: 'y' } }, 400],
    ['/_bulk_docs', { body: 'x', headers: { 'content-encoding': 'gzip' } }, 400],
  ];
  for (const [path, options, status] of requests) {
    const answer = await ask(center, path, options);
    expect(answer.status, `${path} ${JSON.stringify(options)}`).toBe(status);
    expect(Object.keys(answer.json as Json).sort(), path).toEqual(['error', 'reason']);
  }
  expect((await ask(center, '')).json.doc_count).toBe(2);
});
