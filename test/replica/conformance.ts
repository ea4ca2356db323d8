import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { answersDocument } from '../harness/documents.ts';
import type { CenterAccess } from '../harness/server.ts';
import { ask, type Json } from './request.ts';

const EXAM = 'T';

/** An answer sheet that a center may write, with revisions of the test's own choosing. */
function sheetOf(centerId: string, n: number, rev?: string, ancestors: string[] = []): StoredDocument {
  const doc = answersDocument(centerId, EXAM, n, 2);
  if (rev === undefined) return doc;
  const [start, hash] = rev.split('-') as [string, string];
  return { ...doc, choice: rev, _rev: rev, _revisions: { start: Number(start), ids: [hash, ...ancestors] } };
}

const hash = (digit: string): string => digit.repeat(32);

type Sheet = (n: number, rev?: string, ancestors?: string[]) => StoredDocument;

/**
 * What any CouchDB endpoint must do that replicators rely on; every implementation runs it. `open` gives a database
 * that no other test writes to, in which the documents of `centerId` may be written.
 */
export function describeConformance(open: () => Promise<CenterAccess>): void {
  const conforms = (name: string, run: (access: CenterAccess, sheet: Sheet) => Promise<void>): void => {
    test(name, async () => {
      const access = await open();
      await run(access, (n, rev, ancestors) => sheetOf(access.centerId, n, rev, ancestors));
    });
  };

  conforms('information counts documents and names a sequence', async (db, sheet) => {
    const before = (await ask(db, '')).json;
    await ask(db, '/_bulk_docs', { body: { docs: [sheet(1)] } });
    const after = (await ask(db, '')).json;
    expect(after.doc_count).toBe(before.doc_count + 1);
    expect(after.update_seq).not.toEqual(before.update_seq);
  });

  conforms('a document is made, read, changed and deleted by its revision', async (db, sheet) => {
    const at = `/${encodeURIComponent(sheet(1)._id)}`;
    const made = await ask(db, at, { method: 'PUT', body: sheet(1) });
    expect(made.status).toBe(201);
    expect((await ask(db, at)).json._rev).toBe(made.json.rev);
    expect((await ask(db, at, { method: 'PUT', body: sheet(1) })).status).toBe(409);
    const changed = await ask(db, at, {
      method: 'PUT',
      body: { ...sheet(1), _rev: made.json.rev, extra: 1 },
    });
    expect(changed.json.rev).toMatch(/^2-/);
    expect((await ask(db, `${at}?rev=${made.json.rev}`, { method: 'DELETE' })).status).toBe(409);
    expect((await ask(db, `${at}?rev=${changed.json.rev}`, { method: 'DELETE' })).status).toBe(200);
    const gone = await ask(db, at);
    expect([gone.status, gone.json.error]).toEqual([404, 'not_found']);
  });

  conforms('what is stored comes back as it was, key for key', async (db, sheet) => {
    const odd = {
      ...sheet(1),
      z: 1,
      a: { '2': 'b', '1': 'a' },
      ünïcode: '\u2028"\\',
      list: [null, 1.5, []],
      e: {},
    };
    await ask(db, '/_bulk_docs', { body: { docs: [odd] } });
    const { _rev, ...stored } = (await ask(db, `/${encodeURIComponent(odd._id)}`)).json;
    expect(stored).toEqual(odd);
  });

  conforms(
    'pushed revisions keep their ids and history; pushing them twice changes nothing',
    async (db, sheet) => {
      const docs = [sheet(1, `3-${hash('c')}`, [hash('b'), hash('a')])];
      for (let time = 0; time < 2; time += 1) {
        const { status, json } = await ask(db, '/_bulk_docs', { body: { new_edits: false, docs } });
        expect([status, json]).toEqual([201, []]);
      }
      const doc = (await ask(db, `/${encodeURIComponent(sheet(1)._id)}?revs=true`)).json;
      expect(doc._revisions).toEqual({ start: 3, ids: [hash('c'), hash('b'), hash('a')] });
      const { results } = (await ask(db, '/_changes?style=all_docs')).json;
      expect(results.filter(({ id }: Json) => id === sheet(1)._id)).toHaveLength(1);
    },
  );

  conforms('_revs_diff tells what is missing, of known and unknown documents', async (db, sheet) => {
    const known = sheet(1, `2-${hash('b')}`, [hash('a')]);
    await ask(db, '/_bulk_docs', { body: { new_edits: false, docs: [known] } });
    const { json } = await ask(db, '/_revs_diff', {
      body: {
        [known._id]: [`2-${hash('b')}`, `3-${hash('c')}`],
        [sheet(2)._id]: [`1-${hash('d')}`],
      },
    });
    expect(json[known._id].missing).toEqual([`3-${hash('c')}`]);
    expect(json[sheet(2)._id].missing).toEqual([`1-${hash('d')}`]);
  });

  conforms('conflicting leaves are both kept, and the same one wins everywhere', async (db, sheet) => {
    const docs = [sheet(1, `2-${hash('a')}`, [hash('0')]), sheet(1, `2-${hash('b')}`, [hash('0')])];
    await ask(db, '/_bulk_docs', { body: { new_edits: false, docs } });
    const at = `/${encodeURIComponent(sheet(1)._id)}`;
    const winner = (await ask(db, `${at}?conflicts=true`)).json;
    expect([winner._rev, winner._conflicts]).toEqual([`2-${hash('b')}`, [`2-${hash('a')}`]]);
    const leaves = (
      await ask(db, `${at}?open_revs=all&revs=true`, { headers: { accept: 'application/json' } })
    ).json;
    expect(leaves.map(({ ok }: Json) => ok._rev).sort()).toEqual([`2-${hash('a')}`, `2-${hash('b')}`]);
    const { results } = (await ask(db, '/_changes?style=all_docs')).json;
    const row = results.find(({ id }: Json) => id === sheet(1)._id);
    expect(row.changes.map(({ rev }: Json) => rev).sort()).toEqual([`2-${hash('a')}`, `2-${hash('b')}`]);
  });

  conforms('_bulk_get answers each request, missing ones too', async (db, sheet) => {
    await ask(db, '/_bulk_docs', {
      body: { new_edits: false, docs: [sheet(1, `2-${hash('b')}`, [hash('a')])] },
    });
    const docs = [
      { id: sheet(1)._id, rev: `2-${hash('b')}` },
      { id: sheet(2)._id, rev: `1-${hash('c')}` },
    ];
    const { json } = await ask(db, '/_bulk_get?revs=true', { body: { docs } });
    expect(json.results.map(({ id }: Json) => id)).toEqual(docs.map(({ id }) => id));
    expect(json.results[0].docs[0].ok._revisions).toEqual({ start: 2, ids: [hash('b'), hash('a')] });
    expect(json.results[1].docs[0].ok).toBeUndefined();
  });

  conforms('changes are complete however they are cut into pages', async (db, sheet) => {
    await ask(db, '/_bulk_docs', { body: { docs: Array.from({ length: 25 }, (_, n) => sheet(n)) } });
    const all = (await ask(db, '/_changes')).json.results.map(({ id }: Json) => id);
    const paged: string[] = [];
    for (let since = 0; ; ) {
      const { results, last_seq, pending } = (await ask(db, `/_changes?limit=4&since=${since}`)).json;
      if (results.length === 0) break;
      if (pending !== undefined) expect(pending).toBe(all.length - paged.length - results.length);
      paged.push(...results.map(({ id }: Json) => id));
      since = last_seq;
    }
    expect(paged).toEqual(all);
    expect(all.length).toBeGreaterThanOrEqual(25);
  });

  conforms('a tombstone shows in changes and hides from _all_docs', async (db, sheet) => {
    const [made] = (await ask(db, '/_bulk_docs', { body: { docs: [sheet(1), sheet(2)] } })).json;
    await ask(db, '/_bulk_docs', { body: { docs: [{ _id: made.id, _rev: made.rev, _deleted: true }] } });
    const { results } = (await ask(db, '/_changes')).json;
    expect(results.find(({ id }: Json) => id === made.id).deleted).toBe(true);
    const { rows } = (await ask(db, '/_all_docs')).json;
    expect(rows.map(({ id }: Json) => id)).not.toContain(made.id);
    const keyed = (await ask(db, '/_all_docs', { body: { keys: [made.id, `${sheet(1)._id}x`] } })).json.rows;
    expect([keyed[0].value.deleted, keyed[1].error]).toEqual([true, 'not_found']);
  });

  conforms('_all_docs gives ranges, pages and documents in the order of ids', async (db, sheet) => {
    await ask(db, '/_bulk_docs', { body: { docs: [3, 1, 2].map((n) => sheet(n)) } });
    const [from, to] = [1, 2].map((n) => encodeURIComponent(JSON.stringify(sheet(n)._id)));
    const ids = async (query: string): Promise<string[]> =>
      (await ask(db, `/_all_docs?${query}`)).json.rows.map(({ id }: Json) => id);
    expect(await ids(`startkey=${from}&endkey=${to}`)).toEqual([sheet(1)._id, sheet(2)._id]);
    expect(await ids(`startkey=${from}&endkey=${to}&inclusive_end=false`)).toEqual([sheet(1)._id]);
    expect(await ids(`startkey=${to}&endkey=${from}&descending=true`)).toEqual([sheet(2)._id, sheet(1)._id]);
    expect(await ids(`startkey=${from}&skip=1&limit=1`)).toEqual([sheet(2)._id]);
    const { rows } = (await ask(db, `/_all_docs?key=${from}&include_docs=true`)).json;
    expect(rows[0].doc.type).toBe('answers');
  });

  conforms('_find selects, sorts and picks fields', async (db, sheet) => {
    await ask(db, '/_bulk_docs', { body: { docs: [3, 1, 2].map((n) => ({ ...sheet(n), seat: n })) } });
    const selector = { type: 'answers', seat: { $gte: 2 } };
    const { docs } = (await ask(db, '/_find', { body: { selector, fields: ['_id', 'seat'] } })).json;
    expect(docs).toEqual([2, 3].map((n) => ({ _id: sheet(n)._id, seat: n })));
  });

  conforms('attachments are put, read, replicated as data and kept as stubs', async (db, sheet) => {
    const at = `/${encodeURIComponent(sheet(1)._id)}`;
    const made = (await ask(db, at, { method: 'PUT', body: sheet(1) })).json;
    const text = '{"not": "parsed" }';
    const put = await ask(db, `${at}/a.json?rev=${made.rev}`, { method: 'PUT', body: text });
    expect(put.status).toBe(201);
    const got = await ask(db, `${at}/a.json`);
    expect([got.text, got.headers.get('content-type')]).toEqual([text, 'application/json']);
    const doc = (await ask(db, at)).json;
    expect(doc._attachments['a.json']).toMatchObject({ stub: true, length: text.length, revpos: 2 });
    const changed = await ask(db, at, { method: 'PUT', body: { ...doc, extra: true } });
    expect(changed.status).toBe(201);
    const inline = (await ask(db, `${at}?attachments=true`, { headers: { accept: 'application/json' } }))
      .json;
    expect(Buffer.from(inline._attachments['a.json'].data, 'base64').toString()).toBe(text);
    expect((await ask(db, `${at}/nothing`)).status).toBe(404);
  });

  conforms(
    'a revision that a document does not have is missing, however it is asked for',
    async (db, sheet) => {
      const made = (await ask(db, '', { body: sheet(1) })).json;
      const at = `/${encodeURIComponent(made.id)}`;
      const unknown = `9-${hash('f')}`;
      for (const latest of ['', '&latest=true']) {
        expect((await ask(db, `${at}?rev=${unknown}${latest}`)).status).toBe(404);
        const revs = encodeURIComponent(JSON.stringify([unknown, made.rev]));
        const accept = { headers: { accept: 'application/json' } };
        const leaves = (await ask(db, `${at}?open_revs=${revs}${latest}`, accept)).json;
        const found = leaves.map(({ missing, ok }: Json) => missing ?? ok._rev);
        expect(found.toSorted()).toEqual([made.rev, unknown]);
        const docs = [{ id: made.id, rev: unknown }];
        const { results } = (await ask(db, `/_bulk_get?revs=true${latest}`, { body: { docs } })).json;
        expect(results[0].docs[0].ok).toBeUndefined();
      }
      const garbage = encodeURIComponent(JSON.stringify(['1-almost', 'keys']));
      expect((await ask(db, `${at}?open_revs=${garbage}`)).status).toBe(400);
    },
  );

  conforms('changes with documents name the conflicts when asked', async (db, sheet) => {
    const docs = ['a', 'b', 'c'].map((digit) => sheet(1, `2-${hash(digit)}`, [hash('0')]));
    const dead = { ...(docs[0] as StoredDocument), _deleted: true };
    await ask(db, '/_bulk_docs', { body: { new_edits: false, docs: [dead, ...docs.slice(1)] } });
    const { results } = (await ask(db, '/_changes?include_docs=true&conflicts=true')).json;
    const row = results.find(({ id }: Json) => id === sheet(1)._id);
    expect([row.doc._rev, row.doc._conflicts]).toEqual([`2-${hash('c')}`, [`2-${hash('b')}`]]);
    const plain = (await ask(db, '/_changes?include_docs=true')).json.results;
    expect(plain.find(({ id }: Json) => id === sheet(1)._id).doc._conflicts).toBeUndefined();
  });

  conforms('_local documents keep their revision and never replicate', async (db) => {
    const first = await ask(db, '/_local/checkpoint', { method: 'PUT', body: { last_seq: 1 } });
    expect([first.status, first.json.rev]).toEqual([201, '0-1']);
    expect((await ask(db, '/_local/checkpoint', { method: 'PUT', body: { last_seq: 2 } })).status).toBe(409);
    await ask(db, '/_local/checkpoint', { method: 'PUT', body: { last_seq: 2, _rev: '0-1' } });
    expect((await ask(db, '/_local/checkpoint')).json).toMatchObject({ last_seq: 2, _rev: '0-2' });
    expect((await ask(db, '/_local/other')).status).toBe(404);
    expect((await ask(db, '/_changes')).text).not.toContain('_local');
  });

  conforms('a longpoll that waits is answered by the next change', async (db, sheet) => {
    const { last_seq } = (await ask(db, '/_changes')).json;
    const waiting = ask(db, `/_changes?feed=longpoll&since=${last_seq}&heartbeat=1000`);
    await ask(db, '/_bulk_docs', { body: { docs: [sheet(1)] } });
    expect((await waiting).json.results.map(({ id }: Json) => id)).toEqual([sheet(1)._id]);
  });
}
