import { expect, test } from 'vitest';
import { answersDocument } from '../harness/documents.ts';
import { openServerHere } from '../harness/server.ts';
import { ask } from './request.ts';

const hash = (digit: string): string => digit.repeat(32);
const nested = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`);
const attachment = (fields: unknown, name = 'a') => ({ _attachments: { [name]: fields } });

/** What PouchDB fails a whole batch for, dies of, or stores and cannot read again; each with the reason. */
const UNSTORABLE: [name: string, fields: object, reason: RegExp][] = [
  ['attachments as text', { _attachments: 'x' }, /^_attachments is not a map/],
  ['an attachment that is none', attachment(null), /^attachment "a": it is not an attachment/],
  ['an attachment without data', attachment({}), /it has no data/],
  ['an attachment that is announced only', attachment({ follows: true, length: 3 }), /it has no data/],
  ['data that is not base64', attachment({ data: '!!', content_type: 'a/b' }), /not base64/],
  ['a stub without a digest', attachment({ stub: true }), /a stub needs its digest/],
  ['a content type of two lines', attachment({ data: 'aGk=', content_type: 'a/b\r\nx: y' }), /content_type/],
  ['an attachment’s name that is reserved', attachment({ data: 'aGk=' }, '_a'), /name is not admitted/],
  ['an attachment without a name', attachment({ data: 'aGk=' }, ''), /name is not admitted/],
  ['a deletion that is neither', { _deleted: 'yes' }, /^_deleted is not true or false/],
  ['a revision that is a number', { _rev: 5 }, /^_rev is not/],
  ['a revision with a quote', { _rev: '1-a"b' }, /^_rev is not/],
  ['a revision that no header takes', { _rev: '1-é✓' }, /^_rev is not/],
  ['a generation beyond counting', { _rev: '99999999999999999999-a' }, /^_rev is not/],
  [
    'a history longer than its generation',
    { _rev: '1-a', _revisions: history(1, 'a', 'b') },
    /not a history/,
  ],
  ['a history with a hole', { _rev: '2-a', _revisions: history(2, 'a', null) }, /not a history/],
  ['more levels than a stack has', { extra: nested(3000) }, /nested more than 100 levels/],
  ['a field that no object keeps', { extra: JSON.parse('{"__proto__": {"x": 1}}') }, /^__proto__/],
];

function history(start: number, ...ids: unknown[]): object {
  return { start, ids };
}

test('a document that cannot be stored harms neither its batch, nor the server, nor what others read', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  for (const [n, [name, fields, reason]] of UNSTORABLE.entries()) {
    const bad = { ...answersDocument('L-1', 'T', n), _rev: `1-${hash('a')}`, ...fields };
    const good = { ...answersDocument('L-1', 'T', 1000 + n), _rev: `1-${hash('b')}` };
    const { status, json } = await ask(center, '/_bulk_docs', {
      body: { new_edits: false, docs: [bad, good] },
    });
    expect([status, json], name).toEqual([
      201,
      [{ id: bad._id, error: 'forbidden', reason: expect.stringMatching(reason), status: 403 }],
    ]);
    expect((await ask(center, `/${good._id}`)).status, name).toBe(200);
    const { results } = (await ask(center, '/_changes?include_docs=true')).json;
    expect(results, name).toHaveLength(n + 2);
  }
  const { entries } = (await ask(center, '/_quarantine')).json;
  expect(entries).toHaveLength(UNSTORABLE.length);
  const admin = await server.api.request<{ entries: unknown[] }>('GET', '/api/quarantine?center=L-1');
  expect(admin.entries).toHaveLength(UNSTORABLE.length);
});
