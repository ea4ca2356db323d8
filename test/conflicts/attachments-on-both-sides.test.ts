import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { openHub } from '../../server/hub.ts';
import { studentDocument } from '../harness/documents.ts';
import { openServerHere } from '../harness/server.ts';
import { leafOf } from './tree.ts';
import { type ConflictWorld, openConflictWorld } from './world.ts';

const { _id, ...student } = studentDocument('L-1', 1);
const attached = (files: Record<string, string>) => ({
  _attachments: Object.fromEntries(
    Object.entries(files).map(([name, text]) => [
      name,
      { content_type: 'application/octet-stream', data: Buffer.from(text).toString('base64') },
    ]),
  ),
});

/** Both sides changed the photo, each added a file of its own, one removed what the other left as it was. */
const SIDES = [
  leafOf(_id, ['1-r'], { ...student, ...attached({ photo: 'old', form: 'form' }) }),
  leafOf(_id, ['2-a', '1-r'], {
    ...student,
    phone: '1',
    ...attached({ photo: 'of a', form: 'form', a: 'a' }),
  }),
  leafOf(_id, ['2-b', '1-r'], { ...student, ...attached({ photo: 'of b', b: 'b' }) }),
];
const MERGED = { photo: 'of b', 'photo.2-a': 'of a', a: 'a', b: 'b' };

async function filesOf(text: (name: string) => Promise<string>, doc: StoredDocument | undefined) {
  const names = Object.keys(doc?._attachments ?? {});
  return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await text(name)])));
}

async function openWorldOn(kind: string, opened: AsyncDisposableStack): Promise<ConflictWorld> {
  if (kind === 'embedded') return opened.use(await openConflictWorld());
  const { adminToken, url } = opened.use(await openServerHere());
  const hubUrl = `http://admin:${adminToken}@${new URL(url).host}/couch/hub`;
  return opened.use(await openConflictWorld({ hubUrl }));
}

test.each([['embedded'], ['a CouchDB']])('no attachment is lost in a hub that is %s', async (kind) => {
  await using opened = new AsyncDisposableStack();
  const world = await openWorldOn(kind, opened);
  const read = async (name: string) => (await world.server.api.open(`/couch/cbt/${_id}/${name}`)).text();
  await world.replicate(SIDES);
  expect((await world.waiting()).conflicts).toEqual([]);
  const [merged, ...others] = await world.live(_id);
  expect(others).toEqual([]);
  expect(merged).toMatchObject({ phone: '1' });
  expect(await filesOf(read, merged)).toEqual(MERGED);

  // Undone, each side has its own again, also where its revision is a tombstone's child now.
  await world.undoOf(_id);
  const sides = await world.live(_id);
  const names = sides.map(({ _attachments }) => Object.keys(_attachments ?? {}).sort());
  expect(names.sort()).toEqual([
    ['a', 'form', 'photo'],
    ['b', 'photo'],
  ]);
  // A person keeps some of them.
  const { suggestion } = await world.show(_id);
  const { a, photo } = suggestion?.document._attachments ?? {};
  await world.decide(_id, { merged: { ...suggestion?.document, _attachments: { a, photo } } });
  const [chosen] = await world.live(_id);
  expect(Object.keys(chosen?._attachments ?? {}).sort()).toEqual(['a', 'photo']);
  expect(await read('a')).toBe('a');
});

test('a resolution whose attachment is gone waits for a person, and the resolver goes on', async () => {
  await using world = await openConflictWorld({ resolveConflicts: false });
  const { dataDir } = world.server;
  await world.replicate(SIDES);
  await world.waiting();
  const { audit } = await world.decide(_id, { choose: '2-b' });
  await world.server.stop();
  {
    await using hub = await openHub({ dataDir, hubUrl: undefined });
    await hub.db.compact();
  }
  await world.server.start();
  await expect(world.undo(audit)).rejects.toMatchObject({ code: 'conflict' });
  expect((await world.live(_id)).map(({ _rev }) => _rev)).toEqual(['2-b']);
});
