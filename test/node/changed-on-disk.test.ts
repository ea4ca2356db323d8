import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import type { Difference } from '../../replication/node-report.ts';
import type { NodeProcess } from '../harness/node.ts';
import { CENTER, type CenterUnderTest, startCenter } from './center.ts';
import { answers, student, subject } from './documents.ts';
import * as raw from './raw.ts';

const [ONE, TWO] = [student(CENTER, 1), student(CENTER, 10)] as [StoredDocument, StoredDocument];
const ID = ONE._id;

type Doc = StoredDocument;
type Change = (dataDir: string, id: string) => Promise<unknown>;

const editWithPouch: Change = (dataDir, id) =>
  raw.withPouch(dataDir, async (db) => db.put({ ...(await db.get(id)), lastName: 'Eze' }));

const deleteWithPouch: Change = (dataDir, id) =>
  raw.withPouch(dataDir, async (db) => db.remove((await db.get(id)) as never));

/** A replica that was equal, then stopped, changed on its disk, and verified. */
async function openChanged(
  change: (dataDir: string) => Promise<unknown>,
): Promise<CenterUnderTest<NodeProcess>> {
  const center = await startCenter([subject('MTH'), ONE, TWO]);
  await center.replicate();
  await center.node.stop();
  await change(center.node.dataDir);
  return center;
}

/** What is done to a document while the node is stopped, and what the node must call it. */
const changes: [name: string, problem: Difference['problem'], change: Change][] = [
  ['a body altered in LevelDB', 'altered', (dir, id) => raw.alterBody(dir, id, { lastName: 'Eze' })],
  ['a body that is no JSON any more', 'lost', raw.breakBody],
  ['a body deleted in LevelDB', 'lost', raw.deleteBody],
  ['a document entry deleted in LevelDB', 'lost', raw.deleteEntry],
  ['a document entry that is no JSON any more', 'lost', raw.breakEntry],
  ['a document removed without a trace', 'lost', raw.removeTraces],
  ['a document edited with PouchDB', 'altered', editWithPouch],
  ['a document deleted with PouchDB', 'lost', deleteWithPouch],
];

test('whatever was changed on the disk is named, and brought back', async () => {
  const docs = changes.map((_, number) => student(CENTER, number));
  const added = 'test-T1:test:T1';
  await using center = await startCenter([subject('MTH'), ...docs]);
  await center.replicate();
  await center.node.stop();
  const { dataDir } = center.node;
  for (const [index, [, , change]] of changes.entries()) await change(dataDir, (docs[index] as Doc)._id);
  await raw.withPouch(dataDir, (db) => db.put({ _id: added, type: 'test' }));

  const verified = await center.node.command('verify');
  expect(verified).toMatchObject({ code: 1, stderr: '' });
  const named = (line: string) => new Set(verified.stdout.split('\n')).has(line);
  const unnamed = changes.filter(([, problem], index) => !named(`${problem}: ${docs[index]?._id}`));
  expect(unnamed).toEqual([]);
  expect(named(`added: ${added}`)).toBe(true);
  expect(verified.stdout).toContain('\n9 documents of ');

  expect((await center.node.command('repair')).code).toBe(0);
  await center.node.start();
  for (const doc of docs) expect(await center.read(doc._id)).toMatchObject(doc);
  expect(await center.read(added)).toBeUndefined();
  expect(await center.status()).toMatchObject({ verification: { equal: true, differences: [] } });
});

test('a repair beside a running node keeps what it takes out, and the rest of the replica', async () => {
  await using center = await openChanged((dir) => raw.alterBody(dir, ID, { lastName: 'Eze' }));
  await center.node.start();
  await center.replicate();
  const [status] = (await center.server.api.request<{ centers: object[] }>('GET', '/api/status')).centers;
  expect(status).toMatchObject({ digestEqual: false, differences: [{ id: ID, problem: 'altered' }] });

  expect((await center.node.command('repair')).code).toBe(0);
  const { entries } = await center.node.api.request<{ entries: object[] }>('GET', '/api/quarantine');
  expect(entries).toMatchObject([
    { id: ID, doc: { lastName: 'Eze' }, reason: expect.stringContaining('repair') },
  ]);
  expect(await center.read(ID)).toMatchObject({ lastName: 'Obi' });
  expect(await center.read(TWO._id)).toMatchObject({ lastName: 'Obi' });
  expect((await center.write(answers(CENTER, 'E1'))).status).toBe(201);
  expect(await center.status()).toMatchObject({ verification: { equal: true, differences: [] } });
});

test('what was written here and not pushed survives a repair', async () => {
  await using center = await openChanged((dir) => raw.deleteBody(dir, ID));
  await center.node.start();
  expect((await center.write(answers(CENTER, 'E1'))).status).toBe(201);
  expect((await center.node.command('repair')).code).toBe(0);
  expect(await center.read(`center-${CENTER}:answers:E1`)).toMatchObject({ type: 'answers' });
  expect(await center.readOnline(`center-${CENTER}:answers:E1`)).toMatchObject({ type: 'answers' });
});

test('without a line the node names by its own record what was changed, and proves nothing', async () => {
  await using center = await openChanged((dir) => raw.alterBody(dir, ID, { lastName: 'Eze' }));
  await center.line.down();
  const verified = await center.node.command('verify');
  expect(verified.code).toBe(1);
  expect(verified.stdout).toContain(`altered: ${ID}\nnot compared with the server: `);
  expect((await center.node.command('repair')).code).toBe(1);
  await center.line.up();
  expect((await center.node.command('repair')).output).toBe(`repaired: altered: ${ID}\n`);
});
