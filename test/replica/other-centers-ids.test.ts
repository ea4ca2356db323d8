import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { answersDocument, centerShare, resultDocument, wholeTest } from '../harness/documents.ts';
import { type CenterAccess, openServerHere, type RunningServer } from '../harness/server.ts';
import { ask, type RequestOptions } from './request.ts';

/** Ids that exist but are outside L-1's scope, each beside one of the same form that does not exist. */
const OUTSIDE = [
  ['center-L-10:enrollment:E000010', 'center-L-10:enrollment:E999999'],
  ['center-L-10:answers:E000010', 'center-L-11:answers:E000010'],
  ['center-L:student:2026000020', 'center-L:student:2026999999'],
  ['test-T-10:question:T-10-000001', 'test-T-10:question:T-10-999999'],
  ['test-T-10:test:T-10', 'test-T-11:test:T-11'],
  ['_design/center', '_design/nothing'],
] as const;

interface Route {
  name: string;
  request(id: string, rev: string): [path: string, options?: RequestOptions];
}

const path = encodeURIComponent;
const get = (name: string, make: (id: string, rev: string) => string): Route => ({
  name,
  request: (id, rev) => [make(id, rev)],
});
const post = (name: string, at: string, body: (id: string, rev: string) => object): Route => ({
  name,
  request: (id, rev) => [at, { body: body(id, rev) }],
});

/** Every way to name a document. */
const ROUTES: Route[] = [
  get('GET', (id) => `/${id}`),
  get('GET, encoded', (id) => `/${path(id)}`),
  get('GET, encoded twice', (id) => `/${path(path(id))}`),
  get('GET, dots in the path', (id) => `/x/../${id}`),
  get('GET rev', (id, rev) => `/${path(id)}?rev=${rev}`),
  get('GET rev latest revs', (id, rev) => `/${path(id)}?rev=${rev}&latest=true&revs=true`),
  get('GET revs_info conflicts', (id) => `/${path(id)}?revs_info=true&conflicts=true&meta=true`),
  get('GET open_revs all', (id) => `/${path(id)}?open_revs=all`),
  get('GET open_revs', (id, rev) => `/${path(id)}?open_revs=${path(JSON.stringify([rev]))}`),
  {
    name: 'GET open_revs, multipart',
    request: (id, rev) => [
      `/${path(id)}?open_revs=${path(JSON.stringify([rev]))}&revs=true`,
      { headers: { accept: 'multipart/mixed' } },
    ],
  },
  {
    name: 'GET attachments, multipart',
    request: (id) => [`/${path(id)}?attachments=true`, { headers: { accept: 'multipart/related' } }],
  },
  { name: 'HEAD', request: (id) => [`/${path(id)}`, { method: 'HEAD' }] },
  get('GET attachment', (id) => `/${path(id)}/photo.jpg`),
  get('GET attachment rev', (id, rev) => `/${path(id)}/photo.jpg?rev=${rev}`),
  {
    name: 'DELETE attachment',
    request: (id, rev) => [`/${path(id)}/photo.jpg?rev=${rev}`, { method: 'DELETE' }],
  },
  {
    name: 'PUT attachment',
    request: (id, rev) => [`/${path(id)}/x.txt?rev=${rev}`, { method: 'PUT', body: 'x' }],
  },
  post('_bulk_get', '/_bulk_get?revs=true', (id, rev) => ({ docs: [{ id, rev }] })),
  post('_bulk_get latest', '/_bulk_get?revs=true&latest=true&attachments=true', (id, rev) => ({
    docs: [{ id, rev }, { id }],
  })),
  post('_revs_diff', '/_revs_diff', (id, rev) => ({ [id]: [rev] })),
  post('_all_docs keys', '/_all_docs?include_docs=true', (id) => ({ keys: [id] })),
  get('_all_docs key', (id) => `/_all_docs?include_docs=true&key=${path(JSON.stringify(id))}`),
  get('_all_docs range', (id) => {
    const from = path(JSON.stringify(id));
    return `/_all_docs?startkey=${from}&endkey=${path(JSON.stringify(`${id}\ufff0`))}&include_docs=true`;
  }),
  get('_all_docs range, descending', (id) => {
    const from = path(JSON.stringify(`${id}\ufff0`));
    return `/_all_docs?startkey=${from}&endkey=${path(JSON.stringify(id))}&descending=true`;
  }),
  post('_changes doc_ids', '/_changes?filter=_doc_ids&include_docs=true&style=all_docs', (id) => ({
    doc_ids: [id],
  })),
  get(
    '_changes doc_ids in the query',
    (id) => `/_changes?filter=_doc_ids&doc_ids=${path(JSON.stringify([id]))}`,
  ),
  post('_changes selector', '/_changes?filter=_selector', (id) => ({ selector: { _id: id } })),
  post('_find', '/_find', (id) => ({ selector: { _id: id } })),
  post('_find or', '/_find', (id) => ({
    selector: { $or: [{ _id: id }, { _id: { $gt: id, $lte: `${id}\ufff0` } }] },
  })),
  get('_local', (id) => `/_local/${path(id)}`),
  {
    name: 'PUT',
    request: (id) => [`/${path(id)}`, { method: 'PUT', body: { type: 'answers', answers: {} } }],
  },
  {
    name: 'PUT rev',
    request: (id, rev) => [
      `/${path(id)}`,
      { method: 'PUT', body: { _rev: rev, type: 'answers', answers: {} } },
    ],
  },
  {
    name: 'PUT new_edits=false',
    request: (id) => [
      `/${path(id)}?new_edits=false`,
      { method: 'PUT', body: { _rev: '9-abc', type: 'answers', answers: {} } },
    ],
  },
  { name: 'DELETE', request: (id, rev) => [`/${path(id)}?rev=${rev}`, { method: 'DELETE' }] },
  post('_bulk_docs', '/_bulk_docs', (id, rev) => ({ docs: [{ _id: id, _rev: rev, type: 'answers' }] })),
  post('_bulk_docs deleted', '/_bulk_docs', (id, rev) => ({
    docs: [{ _id: id, _rev: rev, _deleted: true }],
  })),
  post('_bulk_docs new_edits=false', '/_bulk_docs', (id) => ({
    new_edits: false,
    docs: [{ _id: id, _rev: '9-abc', type: 'answers', answers: {} }],
  })),
];

async function world(server: RunningServer): Promise<CenterAccess> {
  await server.importDocuments([...wholeTest('T-1', 3), ...wholeTest('T-10', 3)]);
  const center = await server.addCenter('L-1');
  await server.addCenter('L-10');
  await server.importDocuments([
    ...centerShare('L-1', 'T-1', 2, 1),
    ...centerShare('L-10', 'T-10', 2, 10),
    ...centerShare('L', 'T-10', 2, 20),
    resultDocument('L-10', 'T-10', 10),
  ]);
  const sheet = withPhoto(answersDocument('L-10', 'T-10', 10));
  await server.api.request('PUT', `/couch/cbt/${path(sheet._id)}`, sheet);
  await server.assign('T-1', 'L-1');
  await server.assign('T-10', 'L-10');
  return center;
}

function withPhoto(doc: StoredDocument): StoredDocument {
  return { ...doc, _attachments: { 'photo.jpg': { content_type: 'image/jpeg', data: 'aGVsbG8=' } } };
}

test('what is outside the scope answers as what does not exist, on every route', async () => {
  await using server = await openServerHere();
  const center = await world(server);
  const hub = await server.api.request<{ rows: { id: string; value: { rev: string } }[] }>(
    'GET',
    '/couch/cbt/_all_docs',
  );
  const revs = new Map(hub.rows.map(({ id, value }) => [id, value.rev]));
  for (const [existing, nothing] of OUTSIDE) {
    const rev = revs.get(existing);
    expect(rev, `${existing} is in the hub`).toBeDefined();
    for (const { name, request } of ROUTES) {
      const answers = [];
      for (const id of [existing, nothing]) {
        const { status, text } = await ask(center, ...request(id, rev as string));
        answers.push({ status, text: withoutNames(text, id) });
      }
      expect(answers[0], `${name} of ${existing}`).toEqual(answers[1]);
    }
  }
  const after = await server.api.request<typeof hub>('GET', '/couch/cbt/_all_docs');
  expect(after.rows, 'nothing was written').toEqual(hub.rows);
});

/** An answer may repeat the id that was asked for; nothing else in it may differ. */
function withoutNames(text: string, id: string): string {
  return text
    .replaceAll(JSON.stringify(id).slice(1, -1), 'ID')
    .replaceAll(path(id), 'ID')
    .replaceAll(/boundary="\w+"|--[0-9a-f]{32}/g, 'B');
}

test('whole-database reads hold the scope and nothing else', async () => {
  await using server = await openServerHere();
  const center = await world(server);
  const reads: [string, RequestOptions?][] = [
    ['/_all_docs?include_docs=true'],
    ['/_all_docs?descending=true'],
    ['/_all_docs?startkey=%22a%22&endkey=%22z%22'],
    ['/_changes?include_docs=true&style=all_docs'],
    ['/_changes?feed=longpoll&bodies=true'],
    ['/_find', { body: { selector: {}, limit: 10_000 } }],
    ['/_find', { body: { selector: { type: { $exists: true } }, sort: [{ type: 'desc' }], limit: 10_000 } }],
    ['/_digest'],
    ['/_local_docs'],
    ['/_quarantine'],
  ];
  for (const [at, options] of reads) {
    const { status, text } = await ask(center, at, options);
    expect(status, at).toBe(200);
    expect(text, at).not.toMatch(/center-L:|center-L-10|T-10|_design/);
  }
  expect((await ask(center, '/_digest?partition=test-T-10')).status).toBe(404);
  expect((await ask(center, '/_changes?filter=center/by_center&center=L-10')).status).toBe(404);
});

test('another center’s replica is refused, whether it exists or not', async () => {
  await using server = await openServerHere();
  const center = await world(server);
  const answers = [];
  for (const other of ['L-10', 'L', 'nothing', '..%2FL-10', 'l-1']) {
    for (const rest of ['', '/_changes', '/_all_docs', '/_local/x', '/center-L-10:center:L-10/a']) {
      const replicaUrl = `${server.url}/replicas/${other}`;
      const { status, text } = await ask({ ...center, replicaUrl }, rest);
      answers.push(`${status} ${text}`);
    }
  }
  expect(new Set(answers).size).toBe(1);
  expect(answers[0]).toMatch(/^403 /);
});

test('a longpoll is not woken by what is outside the scope', async () => {
  await using server = await openServerHere();
  const center = await world(server);
  const { json } = await ask(center, '');
  const waiting = ask(center, `/_changes?feed=longpoll&timeout=30000&since=${json.update_seq}`);
  await server.importDocuments([...centerShare('L-10', 'T-10', 1, 50), resultDocument('L', 'T-10', 51)]);
  await server.withdraw('T-10', 'L-10');
  await server.importDocuments([resultDocument('L-1', 'T-1', 52)]);
  const { results } = (await waiting).json;
  expect(results.map(({ id }: { id: string }) => id)).toEqual(['center-L-1:result:E000052']);
});
