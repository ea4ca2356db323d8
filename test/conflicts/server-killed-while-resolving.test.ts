import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { StoredDocument } from '../../replication/documents.ts';
import { type AuditEntry, openAudit } from '../../server/control/audit.ts';
import { openControlStore } from '../../server/control/store.ts';
import { openHub } from '../../server/hub.ts';
import { answersDocument } from '../harness/documents.ts';
import { compareLeaves, readLeavesOf } from '../harness/leaves.ts';
import { startServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { openResolvingHub } from './resolving-hub.ts';
import { leafOf } from './tree.ts';

const CONFLICTS = 1500;
const KILLS = 5;

test(`a server killed ${KILLS} times while it resolves comes to the same end, each resolution logged once`, async () => {
  await using folder = await tempFolder('cbt-killed-resolving');
  const [killed, untroubled] = [join(folder.path, 'killed'), join(folder.path, 'untroubled')];
  await fill(killed);
  await cp(killed, join(untroubled, 'hub'), { recursive: true });

  await using server = await startServer({ dataDir: killed });
  for (let kill = 0; kill < KILLS; kill += 1) {
    await delay(20 + 60 * kill);
    await server.kill();
    await server.start();
  }
  await server.api.request('GET', '/api/conflicts');
  await server.stop();

  await using reference = await openResolvingHub({ dataDir: untroubled });
  await reference.conflicts.settled();
  await using hub = await openHub({ dataDir: killed, hubUrl: undefined });
  const [found, expected] = [await readLeavesOf(hub.db), await readLeavesOf(reference.hub.db)];
  expect(compareLeaves(expected, found)).toBeUndefined();
  expect([...found.values()].every((revs) => revs.length === 1)).toBe(true);

  await using store = await openControlStore(killed);
  const audit = await openAudit(store);
  expect(await audit.verify()).toBeUndefined();
  const entries: AuditEntry[] = [];
  for await (const entry of audit.list({ action: 'conflict.resolved' })) entries.push(entry);
  expect(new Set(entries.map(({ documentId }) => documentId)).size).toBe(CONFLICTS);
  expect(entries).toHaveLength(CONFLICTS);
}, 120_000);

test('a hub that fails between the audit log and the write is tried again, and logged once', async () => {
  await using folder = await tempFolder('cbt-hub-fails');
  let failures = 2;
  await using world = await openResolvingHub({
    dataDir: folder.path,
    wrap: (hub) => ({
      ...hub,
      write: async (docs, options) => {
        failures -= 1;
        if (failures >= 0) throw new Error('no space left on device');
        return hub.write(docs, options);
      },
      [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
    }),
  });
  await world.hub.write(conflict(1), { newEdits: false });
  for (let time = 0; time < 2; time += 1) await world.conflicts.settled().catch(() => undefined);
  await world.conflicts.settled();
  expect(await world.live(conflict(1)[0]?._id as string)).toHaveLength(1);
  expect(await world.audit.get(1)).toMatchObject({ action: 'conflict.resolved', outcome: 'done' });
  expect(await world.audit.get(2)).toBeUndefined();
});

/** Three sides of one answer sheet. */
function conflict(n: number): StoredDocument[] {
  const sheet = answersDocument('L-1', 'T', n, 3);
  return ['2-a', '2-b', '2-c'].map((rev, side) =>
    leafOf(sheet._id, [rev, '1-r'], { ...sheet, answers: { [`q${side}`]: { choice: 'A', n: side } } }),
  );
}

async function fill(dataDir: string): Promise<void> {
  await using hub = await openHub({ dataDir, hubUrl: undefined });
  await hub.write(Array.from({ length: CONFLICTS }, (_, n) => conflict(n)).flat(), { newEdits: false });
}
