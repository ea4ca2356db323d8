import { test as base, expect } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
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
    await server.importDocuments(centerShare('L-10', 'T', 2));
    await use(center);
  },
});

async function write(center: CenterAccess, ...docs: StoredDocument[]): Promise<string[]> {
  const { json } = await ask(center, '/_bulk_docs', { body: { docs } });
  return json.map(({ rev }: Json) => rev);
}

test('what the client has already is not sent again', async ({ center }) => {
  const data = Buffer.from('hello').toString('base64');
  const _attachments = { 'a.txt': { content_type: 'text/plain', data } };
  const doc = { ...answersDocument('L-1', 'T', 1), _attachments };
  const [rev] = await write(center, doc);
  for (const path of [`/${doc._id}`, `/${doc._id}/a.txt`]) {
    const etag = (await ask(center, path)).headers.get('etag') as string;
    for (const [held, status] of [
      [etag, 304],
      [`"1-other", W/${etag}`, 304],
      ['"1-other"', 200],
    ] as const) {
      const answer = await ask(center, path, { headers: { 'if-none-match': held } });
      expect([answer.status, answer.headers.get('etag'), answer.text === ''], `${path} ${held}`).toEqual([
        status,
        etag,
        status === 304,
      ]);
    }
  }
  const headers = { 'if-none-match': `"${rev}"` };
  const other = { ...doc, _rev: `1-${'0'.repeat(32)}`, n: 2 };
  await ask(center, '/_bulk_docs', { body: { new_edits: false, docs: [other] } });
  const conflicted = await ask(center, `/${doc._id}?conflicts=true`, { headers });
  expect(conflicted.json._conflicts, 'a conflict changes no revision').toHaveLength(1);
  const foreign = await ask(center, '/center-L-10:center:L-10', { headers: { 'if-none-match': '*' } });
  expect(foreign.status).toBe(404);
});

test('changes come in descending order', async ({ center }) => {
  await write(center, ...[1, 2, 3].map((n) => answersDocument('L-1', 'T', n)));
  const all = (await ask(center, '/_changes')).json;
  const ids = all.results.map(({ id }: Json) => id);
  const descending = (await ask(center, `/_changes?descending=true&since=${all.last_seq}`)).json;
  expect(descending.results.map(({ id }: Json) => id)).toEqual(ids.toReversed());
  const newest = (await ask(center, '/_changes?descending=true&limit=2&include_docs=true')).json;
  expect(newest.results.map(({ doc }: Json) => doc._id)).toEqual(ids.slice(-2).reverse());
  const { results } = (await ask(center, `/_changes?since=${newest.last_seq}`)).json;
  expect(
    results.map(({ id }: Json) => id),
    'a sequence is one in either order',
  ).toEqual(ids.slice(-1));
  expect((await ask(center, '/_changes?descending=true&feed=longpoll')).status).toBe(400);
});

test('changes come as server-sent events, from the last event that was seen', async ({ center }) => {
  const [first, second] = [1, 2].map((n) => answersDocument('L-1', 'T', n)) as [
    StoredDocument,
    StoredDocument,
  ];
  await write(center, first);
  const events = await ask(center, '/_changes?feed=eventsource&timeout=1');
  expect(events.headers.get('content-type')).toBe('text/event-stream');
  const [, data, id] = /data: (.*)\nid: (.*)\n\n$/.exec(events.text) as unknown as string[];
  expect(JSON.parse(data as string)).toMatchObject({ id: first._id, seq: id });

  await write(center, second);
  const headers = { 'last-event-id': id as string };
  const { text } = await ask(center, '/_changes?feed=eventsource&timeout=1&since=0', { headers });
  expect(text).toContain(second._id);
  expect(text).not.toContain(first._id);
});

test('a feed that has nothing to tell yet begins all the same', async ({ center }) => {
  for (const feed of ['continuous', 'eventsource', 'longpoll']) {
    const client = new AbortController();
    const { origin, pathname } = new URL(center.replicaUrl);
    const answer = await fetch(`${origin}${pathname}/_changes?feed=${feed}&since=now`, {
      headers: { authorization: center.authorization },
      signal: AbortSignal.any([client.signal, AbortSignal.timeout(5000)]),
    });
    expect(answer.status, feed).toBe(200);
    client.abort();
  }
});

test('_all_docs takes keys in the order that is asked for, and no range beside them', async ({ center }) => {
  const docs = [1, 2].map((n) => answersDocument('L-1', 'T', n));
  await write(center, ...docs);
  const keys = [...docs.map(({ _id }) => _id), 'none'];
  const { rows } = (await ask(center, '/_all_docs', { body: { keys, descending: true } })).json;
  expect(rows.map(({ key }: Json) => key)).toEqual(keys.toReversed());
  for (const range of [{ key: 'a' }, { startkey: 'a' }, { end_key: 'a' }]) {
    expect((await ask(center, '/_all_docs', { body: { keys, ...range } })).status).toBe(400);
  }
});

test('_missing_revs is the older _revs_diff', async ({ center }) => {
  const doc = answersDocument('L-1', 'T', 1);
  const [rev] = await write(center, doc);
  const body = { [doc._id]: [rev, '2-a'], 'center-L-10:center:L-10': ['1-a'] };
  const { json } = await ask(center, '/_missing_revs', { body });
  expect(json).toEqual({ missing_revs: { [doc._id]: ['2-a'], 'center-L-10:center:L-10': ['1-a'] } });
});

test('a local document is deleted by a put, and keeps no history', async ({ center }) => {
  const put = (body: object) => ask(center, '/_local/a', { method: 'PUT', body });
  const { rev } = (await put({ n: 1, _revisions: { start: 0, ids: ['1'] } })).json;
  expect((await ask(center, '/_local/a')).json).toEqual({ _id: '_local/a', _rev: rev, n: 1 });
  expect((await put({ _rev: '0-9', _deleted: true })).status).toBe(409);
  expect((await put({ _rev: rev, _deleted: true })).json).toEqual({ ok: true, id: '_local/a', rev: '0-0' });
  expect((await ask(center, '/_local/a')).status).toBe(404);
});
