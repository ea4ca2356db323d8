import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { answersDocument } from '../harness/documents.ts';
import { type CenterAccess, openServerHere } from '../harness/server.ts';
import { ask, type Json } from './request.ts';

const ID = answersDocument('L-1', 'T', 1)._id;
const AT = `/${encodeURIComponent(ID)}`;
const HASH = 'a'.repeat(32);

interface Piece {
  name: string;
  type: string;
  data: string;
}

/** A document as CouchDB's replicator sends one with attachments. */
function related(pieces: Piece[], boundary = 'b0undary'): string {
  const _attachments = Object.fromEntries(
    pieces.map(({ name, type, data }) => [
      name,
      { content_type: type, length: Buffer.byteLength(data), follows: true, revpos: 1 },
    ]),
  );
  const doc = {
    ...answersDocument('L-1', 'T', 1, 2),
    _rev: `1-${HASH}`,
    _revisions: { start: 1, ids: [HASH] },
    _attachments,
  };
  const parts = [
    `content-type: application/json\r\n\r\n${JSON.stringify(doc)}`,
    ...pieces.map(
      ({ name, type, data }) =>
        `content-disposition: attachment; filename="${name}"\r\ncontent-type: ${type}\r\n\r\n${data}`,
    ),
  ];
  return `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--`;
}

function put(center: CenterAccess, body: string): Promise<{ status: number; json: Json }> {
  const headers = { 'content-type': 'multipart/related; boundary="b0undary"' };
  return ask(center, `${AT}?new_edits=false`, { method: 'PUT', body, headers });
}

const PIECES: Piece[] = [
  { name: 'scan.txt', type: 'text/plain', data: 'first line\r\nsecond line\r\n--not a boundary\r\n' },
  { name: 'empty.bin', type: 'application/octet-stream', data: '' },
];

test('a document pushed as multipart comes back the same, as JSON and as multipart', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  expect((await put(center, related(PIECES))).status).toBe(201);
  for (const { name, data, type } of PIECES) {
    const got = await ask(center, `${AT}/${name}`);
    expect([got.text, got.headers.get('content-type')]).toEqual([data, type]);
  }
  const openRevs = encodeURIComponent(JSON.stringify([`1-${HASH}`, `2-${HASH}`]));
  const mixed = await ask(center, `${AT}?revs=true&open_revs=${openRevs}`, {
    headers: { accept: 'multipart/mixed' },
  });
  expect(mixed.headers.get('content-type')).toMatch(/^multipart\/mixed; boundary=/);
  expect(mixed.text).toContain(PIECES[0]?.data);
  expect(mixed.text).toContain('"follows":true');
  expect(mixed.text).toContain(`{"missing":"2-${HASH}"}`);
  const again = await ask(center, AT, { headers: { accept: 'multipart/related' } });
  expect(again.headers.get('content-type')).toMatch(/^multipart\/related; boundary=/);
});

test('an attachment that CouchDB sends gzipped is stored as it was', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  const text = 'line after line\n'.repeat(100);
  const packed = gzipSync(text);
  const doc = {
    ...answersDocument('L-1', 'T', 1, 2),
    _rev: `1-${HASH}`,
    _attachments: {
      'log.txt': {
        content_type: 'text/plain',
        follows: true,
        encoding: 'gzip',
        length: text.length,
        encoded_length: packed.length,
      },
    },
  };
  const head = `--b0undary\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(doc)}\r\n--b0undary\r\n\r\n`;
  const body = Buffer.concat([Buffer.from(head), packed, Buffer.from('\r\n--b0undary--')] as never);
  expect((await put(center, body as never)).status).toBe(201);
  expect((await ask(center, `${AT}/log.txt`)).text).toBe(text);
});

test('a multipart body that is cut or lacks an attachment is refused and stores nothing', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  const whole = related(PIECES.slice(0, 1));
  const cuts = [0, 40, whole.indexOf('first line') + 4, whole.indexOf('second'), whole.length - 14];
  for (const length of cuts) {
    const { status, json } = await put(center, whole.slice(0, length));
    expect([status, json?.error], `cut at ${length}`).toEqual([400, 'bad_request']);
  }
  const announcedOnly = `${whole.slice(0, whole.indexOf('--b0undary', 5))}--b0undary--`;
  expect((await put(center, announcedOnly)).status).toBe(400);
  expect((await ask(center, AT)).status).toBe(404);
});
