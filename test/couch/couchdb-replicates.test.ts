import { test as base, expect } from 'vitest';
import { answersDocument } from '../harness/documents.ts';
import { openServerHere } from '../harness/server.ts';
import { openCenter } from '../node/center.ts';
import type { Json } from '../replica/request.ts';

type Couch = (
  path: string,
  init?: { method?: string; body?: unknown; headers?: Record<string, string> },
) => Promise<{ status: number; text: string; headers: Headers; json: Json }>;

/** Asks a database under `/couch` as CouchDB's replicator does. */
function couchAt(root: string, authorization?: string): Couch {
  return async (path, { method, body, headers } = {}) => {
    const response = await fetch(`${root}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        'content-type': 'application/json',
        ...(authorization === undefined ? {} : { authorization }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    const isJson = text.startsWith('{') || text.startsWith('[');
    return { status: response.status, text, headers: response.headers, json: isJson && JSON.parse(text) };
  };
}

const test = base.extend<{ couch: Couch }>({
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads a fixture's needs off the pattern.
  couch: async ({}, use) => {
    await using server = await openServerHere();
    await use(couchAt(`${server.url}/couch/cbt`, `Bearer ${server.adminToken}`));
  },
});

const rev = `2-${'b'.repeat(32)}`;
const history = { _rev: rev, _revisions: { start: 2, ids: ['b'.repeat(32), 'a'.repeat(32)] } };

test('a document that is put with its revision is answered with it', async ({ couch }) => {
  const put = { method: 'PUT', body: { n: 1, ...history } };
  const answered = await couch('/json?new_edits=false', put);
  expect([answered.status, answered.json]).toEqual([201, { ok: true, id: 'json', rev }]);
  expect(answered.headers.get('etag')).toBe(`"${rev}"`);

  const stub = { content_type: 'text/plain', length: 5, follows: true };
  const doc = { ...history, _attachments: { 'a b.txt': stub } };
  const body = `--x\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(doc)}\r\n--x\r\n\r\nhello\r\n--x--`;
  const headers = { 'content-type': 'multipart/related; boundary="x"' };
  const related = await couch('/related?new_edits=false', { method: 'PUT', body, headers });
  expect([related.status, related.json]).toEqual([201, { ok: true, id: 'related', rev }]);
});

test('leaves come with their attachments as multipart', async ({ couch }) => {
  const data = Buffer.from('hello').toString('base64');
  const _attachments = { 'a.txt': { content_type: 'text/plain', data } };
  await couch('/d?new_edits=false', { method: 'PUT', body: { n: 1, ...history, _attachments } });
  const openRevs = encodeURIComponent(JSON.stringify([rev, '9-none']));
  const { status, headers, text } = await couch(`/d?revs=true&latest=true&open_revs=${openRevs}`, {
    headers: { accept: 'multipart/mixed' },
  });
  expect(status).toBe(200);
  expect(headers.get('content-type')).toMatch(/^multipart\/mixed; boundary=/);
  expect(text).toContain(`"_revisions":${JSON.stringify(history._revisions)}`);
  expect(text).toContain('Content-Length: 5\r\n\r\nhello\r\n');
  expect(text).toContain('{"missing":"9-none"}');

  const multipart = { headers: { accept: 'multipart/mixed' } };
  expect((await couch('/d?open_revs=neither', multipart)).status).toBe(400);
  expect((await couch('/none?open_revs=all', multipart)).status).toBe(404);
});

test('changes are selected by what a body says', async ({ couch }) => {
  await couch('/_bulk_docs', {
    body: {
      docs: [
        { _id: 'a', n: 1 },
        { _id: 'b', n: 2 },
      ],
    },
  });
  const ids = ({ json }: { json: Json }) => json.results.map(({ id }: Json) => id);
  for (const feed of ['normal', 'longpoll']) {
    const path = `/_changes?filter=_selector&feed=${feed}`;
    expect(ids(await couch(path, { body: { selector: { n: 2 } } })), feed).toEqual(['b']);
    expect((await couch(path, { body: {} })).status, feed).toBe(400);
  }
});

test('a batch with what is no document is refused as a whole', async ({ couch }) => {
  for (const [bad, reason] of [
    [{ _zing: 4 }, 'Bad special document member: _zing'],
    [{ _id: '_invalid' }, 'Only reserved document ids may start with underscore.'],
    [{ _id: 123 }, '_id field must contain a string'],
    [7, 'Document must be a JSON object'],
  ]) {
    const { status, json } = await couch('/_bulk_docs', { body: { docs: [{ _id: 'good' }, bad] } });
    expect([status, json.error, json.reason]).toEqual([400, 'bad_request', reason]);
    expect((await couch('/good')).status).toBe(404);
  }
  const unrevised = { new_edits: false, docs: [{ _id: 'good' }] };
  expect((await couch('/_bulk_docs', { body: unrevised })).status).toBe(400);
});

test('of a replicator’s batch only what cannot be stored is refused', async ({ couch }) => {
  const docs = [
    { _id: 'good', ...history },
    { _id: 'bad', _zing: 4, ...history },
    { _id: '_bad', ...history },
  ];
  const { status, json } = await couch('/_bulk_docs', { body: { new_edits: false, docs } });
  expect([status, json.map(({ id }: Json) => id)]).toEqual([201, ['bad', '_bad']]);
  expect((await couch('/good')).status).toBe(200);
});

test('a batch may hold local documents, and what a replicator writes of itself', async ({ couch }) => {
  const { json: made } = await couch('/_bulk_docs', {
    body: { docs: [{ _id: '_local/a' }, { _id: 'job', _replication_state: 'triggered' }] },
  });
  expect(made).toMatchObject([{ ok: true }, { ok: true }]);
  expect((await couch('/job')).json._replication_state).toBe('triggered');
  const gone = { _id: '_local/a', _rev: made[0].rev, _deleted: true };
  await couch('/_bulk_docs', { body: { docs: [gone] } });
  expect((await couch('/_local/a')).status).toBe(404);
});

test('a node’s replica is a CouchDB database too', async () => {
  await using center = await openCenter();
  const couch = couchAt(`${center.node.url}/couch`);
  const { json: welcome } = await couch('/');
  expect(welcome).toMatchObject({ couchdb: 'Welcome', uuid: expect.any(String) });
  expect((await couch('')).json).toEqual(welcome);

  const doc = { ...answersDocument('LAG-1', 'T', 1), ...history };
  const put = await couch(`/replica/${doc._id}?new_edits=false`, { method: 'PUT', body: doc });
  expect(put.json).toEqual({ ok: true, id: doc._id, rev });
  const { text } = await couch(`/replica/${doc._id}?open_revs=all`, {
    headers: { accept: 'multipart/mixed' },
  });
  expect(text).toContain(rev);
});
