import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { expect, test } from 'vitest';
import { canonicalHash } from '../../replication/canonical.ts';
import { makeIdentity, recipientOf } from '../../replication/package/keys.ts';
import { makeKey, publicKeyOf } from '../../replication/signing.ts';
import type { AuditEntry } from '../../server/control/audit.ts';
import { ask } from '../harness/ask.ts';
import { runScript } from '../harness/child.ts';
import { until } from '../harness/until.ts';
import { openWorld, TEST } from './world.ts';

test('administrative acts and operations are on record, with who, from where and the outcome', async () => {
  await using world = await openWorld();
  const { server, one } = world;
  await server.withdraw(TEST, 'LAG-1');
  const refused = { authorization: `Bearer ${server.adminToken}`, body: { centerId: 'LAG-1' } };
  expect((await ask(`${server.url}/api/centers`, refused)).status).toBe(409);
  await ask(`${server.url}/sync/incremental/LAG-1`, { authorization: one.authorization, body: {} });
  const list = (query: string) =>
    server.api.request<{ entries: AuditEntry[]; more: boolean }>('GET', `/api/audit?${query}`);
  const operation = await until(async () => (await list('action=replication.download')).entries[0], {
    what: 'the operation is on record',
  });
  expect(operation).toMatchObject({ actor: 'center LAG-1', from: '127.0.0.1', outcome: 'done' });
  const { entries } = await list('center=LAG-1');
  expect(entries.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
    'replication.download done',
    'center.added refused',
    'test.withdrawn done',
    'test.assigned done',
    'center.added done',
  ]);
  expect((await list('action=documents.imported')).entries).toMatchObject([
    { actor: 'admin', details: { refused: 0 } },
  ]);
  const first = await list('limit=2');
  expect(first.more).toBe(true);
  const next = await list(`limit=2&before=${first.entries.at(-1)?.n}`);
  expect(next.entries[0]?.n).toBe((first.entries.at(-1) as AuditEntry).n - 1);
  expect((await list(`actor=${encodeURIComponent('center LAG-1')}`)).entries).toHaveLength(1);
  expect((await list('since=2999-01-01T00:00:00Z')).entries).toEqual([]);
  expect(await server.api.request('POST', '/api/audit/verify')).toMatchObject({ broken: null });
});

test('whoever registers a node is on record, and so is each decision that is refused', async () => {
  await using world = await openWorld();
  const { server } = world;
  const keys = { publicKey: publicKeyOf(makeKey()), packageKey: recipientOf(makeIdentity()) };
  const offline = { centerId: 'LAG-1', instanceId: 'offline-1', ...keys };
  await server.api.request('POST', '/api/centers/LAG-1/nodes', offline);
  const refused: [method: string, path: string, body: object | undefined, action: string][] = [
    ['POST', '/api/centers/LAG-10/nodes', { ...offline, centerId: 'LAG-10' }, 'node.registered'],
    ['POST', '/api/centers/LAG-1/nodes/none/replace', undefined, 'node.replaced'],
    ['DELETE', '/api/centers/LAG-1/nodes/none/replace', undefined, 'node.taken_back'],
    ['POST', '/api/quarantine/decide', { key: 'none', decision: 'accept' }, 'quarantine.accepted'],
    ['POST', '/api/quarantine/decide', { key: 'none', decision: 'return' }, 'quarantine.returned'],
    ['POST', '/api/conflicts/none', { choose: '1-a' }, 'conflict.resolved'],
    ['POST', '/api/conflicts/undo/1', undefined, 'conflict.undone'],
  ];
  for (const [method, path, body] of refused) {
    await expect(server.api.request(method, path, body)).rejects.toThrow();
  }
  const { entries } = await server.api.request<{ entries: AuditEntry[] }>('GET', '/api/audit?actor=admin');
  const [last] = entries.splice(refused.length);
  expect(last).toMatchObject({ action: 'node.registered', outcome: 'done', from: '127.0.0.1' });
  expect(entries.reverse()).toMatchObject(
    refused.map(([, , , action]) => ({ action, outcome: 'refused', from: '127.0.0.1' })),
  );
});

type Level = ClassicLevel<string, string>;
/** What the world's own acts come to. */
const LAST = 4;
const keyOf = (n: number) => `!audit!${String(n).padStart(12, '0')}`;

async function alter(level: Level, key: string): Promise<void> {
  const entry = JSON.parse((await level.get(key)) as string) as AuditEntry;
  await level.put(key, JSON.stringify({ ...entry, actor: 'center LAG-10' }));
}

/** Altered so that it is right in itself. */
async function remake(level: Level, key: string): Promise<void> {
  const { hash: _, ...fields } = JSON.parse((await level.get(key)) as string) as AuditEntry;
  const other = { ...fields, actor: 'center LAG-10' };
  await level.put(key, JSON.stringify({ ...other, hash: canonicalHash(other) }));
}

function remove(level: Level, key: string): Promise<void> {
  return level.del(key);
}

test.each([
  ['altered', 2, alter],
  ['deleted', 2, remove],
  ['the newest and deleted', LAST, remove],
  ['the newest and made anew', LAST, remake],
])('an entry that is %s shows', async (what, n, tamper) => {
  await using world = await openWorld();
  const { server } = world;
  await server.stop();
  const verify = () =>
    runScript('server/main.ts', ['audit', 'verify'], { env: { DATA_DIR: server.dataDir } });
  expect(await verify()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^whole: \d+ entries\n$/) });
  const level = new ClassicLevel<string, string>(join(server.dataDir, 'control'));
  await level.open();
  await tamper(level, keyOf(n));
  await level.close();
  const exit = await verify();
  expect(exit.code).toBe(1);
  const is = what.endsWith('deleted') ? 'is missing' : 'was altered';
  expect(exit.stdout).toBe(`broken at entry ${n}: entry ${n} ${is}\n`);
  // What is written after it does not mend it.
  await server.start();
  await server.api.request('POST', '/api/centers', { centerId: 'LAG-3', name: 'Center' });
  expect(await server.api.request('POST', '/api/audit/verify')).not.toMatchObject({ broken: null });
});
