import { expect, test } from 'vitest';
import { answersDocument, wholeTest } from '../harness/documents.ts';
import { openServerHere } from '../harness/server.ts';
import { ask } from './request.ts';

test('a stub brings no attachment of another document', async () => {
  await using server = await openServerHere();
  const [own, other] = [await server.addCenter('L-1'), await server.addCenter('L-10')];
  const data = Buffer.from('what L-10 alone may see').toString('base64');
  const scanned = {
    ...answersDocument('L-10', 'T', 1),
    _attachments: { scan: { content_type: 'text/plain', data } },
  };
  await ask(other, '/_bulk_docs', { body: { docs: [scanned] } });
  const { digest } = (await ask(other, `/${scanned._id}`)).json._attachments.scan;

  const stub = { scan: { content_type: 'text/plain', stub: true, digest, length: 23, revpos: 1 } };
  const doc = { ...answersDocument('L-1', 'T', 2), _attachments: stub };
  const put = await ask(own, `/${doc._id}`, { method: 'PUT', body: doc });
  expect([put.status, put.json.error]).toEqual([412, 'missing_stub']);
  const _rev = `2-${'b'.repeat(32)}`;
  const replicated = { ...doc, _rev, _revisions: { start: 2, ids: ['b'.repeat(32), 'a'.repeat(32)] } };
  const { json } = await ask(own, '/_bulk_docs', { body: { new_edits: false, docs: [replicated] } });
  expect(json).toMatchObject([{ id: doc._id, error: 'missing_stub' }]);
  expect((await ask(own, `/${doc._id}/scan`)).status).toBe(404);

  // What is refused for another reason waits in the quarantine, and is not stored from there either.
  await server.importDocuments(wholeTest('T', 1));
  await server.assign('T', 'L-1');
  await server.withdraw('T', 'L-1');
  await ask(own, '/_bulk_docs', { body: { docs: [doc] } });
  const { entries } = await server.api.request<{ entries: { key: string }[] }>('GET', '/api/quarantine');
  const decision = { key: entries[0]?.key, decision: 'accept' };
  await expect(server.api.request('POST', '/api/quarantine/decide', decision)).rejects.toThrow(
    'no revision of the document has it',
  );
});

test('a stub of the document’s own revisions stands for its attachment', async () => {
  await using server = await openServerHere();
  const center = await server.addCenter('L-1');
  const data = Buffer.from('a page').toString('base64');
  const doc = {
    ...answersDocument('L-1', 'T', 1),
    _attachments: { scan: { content_type: 'text/plain', data } },
  };
  await ask(center, '/_bulk_docs', { body: { docs: [doc] } });
  const stored = (await ask(center, `/${doc._id}`)).json;
  const edited = await ask(center, `/${doc._id}`, { method: 'PUT', body: { ...stored, n: 2 } });
  expect(edited.status).toBe(201);

  // Made on the first revision, beside the second one.
  const [, first] = stored._rev.split('-');
  const _rev = `2-${'f'.repeat(32)}`;
  const beside = { ...stored, _rev, _revisions: { start: 2, ids: ['f'.repeat(32), first] } };
  const { json } = await ask(center, '/_bulk_docs', { body: { new_edits: false, docs: [beside, beside] } });
  expect(json).toEqual([]);
  expect((await ask(center, `/${doc._id}/scan?rev=${_rev}`)).text).toBe('a page');
});
