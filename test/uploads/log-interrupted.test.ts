import { expect, test } from 'vitest';
import { type Logbook, openLogbook } from '../../local-node/logbook.ts';
import { openReplica, type Replica } from '../../local-node/replica.ts';
import { openState } from '../../local-node/state.ts';
import { chainBreak, EMPTY_LOG, type LogEntry, logId } from '../../replication/log-chain.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { CENTER, openCenter } from '../node/center.ts';
import { subject } from '../node/documents.ts';
import { loggedOnline } from './center.ts';

interface OpenLog extends AsyncDisposable {
  logbook: Logbook;
  instanceId: string;
  entries(): Promise<LogEntry[]>;
}

/** A node's log on its disk. @param failing true: the replica takes no write. */
async function openLog(dataDir: string, failing = false): Promise<OpenLog> {
  await using opening = new AsyncDisposableStack();
  const state = opening.use(await openState(dataDir));
  const replica = opening.use(await openReplica(dataDir));
  const given = failing ? withoutWrites(replica) : replica;
  const logbook = opening.use(await openLogbook({ state, replica: given, centerId: CENTER }));
  const opened = opening.move();
  return {
    logbook,
    instanceId: state.instanceId,
    async entries() {
      const { rows } = await replica.db.allDocs({ include_docs: true });
      return rows.map(({ doc }) => doc as unknown as LogEntry);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function withoutWrites(replica: Replica): Replica {
  const db = { bulkDocs: () => Promise.reject(new Error('killed')) };
  return { ...replica, db: db as unknown as Replica['db'] };
}

function expectWhole(entries: readonly LogEntry[], count: number): void {
  let head = EMPTY_LOG;
  for (const entry of entries) {
    expect(chainBreak(head, entry)).toBeUndefined();
    head = { n: entry.n, hash: entry.hash };
  }
  expect(head.n).toBe(count);
}

test('an entry that was meant and not written when the node died is written at the next start', async () => {
  await using folder = await tempFolder('cbt-log');
  {
    await using log = await openLog(folder.path);
    await log.logbook.append('mode changed', { mode: 'batch' });
  }
  {
    await using log = await openLog(folder.path, true);
    await expect(log.logbook.append('submitted', { enrollmentId: 'E1' })).rejects.toThrow('killed');
  }
  await using log = await openLog(folder.path);
  await log.logbook.append('submitted', { enrollmentId: 'E2' });
  const entries = await log.entries();
  expectWhole(entries, 3);
  expect(entries.map(({ details }) => details.enrollmentId)).toEqual([undefined, 'E1', 'E2']);
  expect(log.logbook.head).toEqual({ n: 3, hash: entries[2]?.hash });
});

test('entries that are added at the same time stand in their order, and share their writes', async () => {
  await using folder = await tempFolder('cbt-log');
  await using log = await openLog(folder.path);
  const added = await Promise.all(
    Array.from({ length: 200 }, (_, n) => log.logbook.append('session started', { place: n })),
  );
  expect(added.map(({ n, details }) => n - Number(details.place))).toEqual(Array(200).fill(1));
  expectWhole(await log.entries(), 200);
});

test('what was noted comes before what is appended after it, also over a restart', async () => {
  await using folder = await tempFolder('cbt-log');
  {
    await using log = await openLog(folder.path);
    await log.logbook.note('line down', { reason: 'cut' });
    expect(await log.entries()).toEqual([]);
  }
  await using log = await openLog(folder.path);
  await log.logbook.append('submitted');
  expect((await log.entries()).map(({ event }) => event)).toEqual(['line down', 'submitted']);
});

test('an entry that is no longer the one that was written shows as foreign', async () => {
  await using folder = await tempFolder('cbt-log');
  await using log = await openLog(folder.path);
  const { n, hash } = await log.logbook.append('submitted');
  const id = (place: number) => logId(CENTER, log.instanceId, place);
  const rev = `1-${hash.slice(0, 32)}`;
  expect(log.logbook.isForeign({ id: id(n), revs: [rev] })).toBe(false);
  expect(log.logbook.isForeign({ id: id(n), revs: [rev, '1-other'] })).toBe(true);
  expect(log.logbook.isForeign({ id: id(n), revs: ['1-other'] })).toBe(true);
  expect(log.logbook.isForeign({ id: id(n + 1), revs: [rev] })).toBe(true);
  expect(log.logbook.isForeign({ id: logId(CENTER, 'another', 9), revs: ['1-other'] })).toBe(false);
});

test('a line that stays down is logged once, and neither that nor a replication makes another round', async () => {
  await using center = await openCenter([subject('SCI')]);
  await center.replicate();
  await center.line.down();
  for (let n = 0; n < 3; n += 1) await expect(center.replicate()).rejects.toThrow();
  await center.line.up();
  await center.replicate();
  // Nothing but the log moves from here on.
  for (let n = 0; n < 4; n += 1) expect(await center.replicate()).toMatchObject({ pushed: 0, pulled: 0 });
  const events = (await loggedOnline(center)).map(({ event }) => event);
  expect(events).toEqual(['node started', 'package imported', 'replicated', 'line down', 'line up']);
  expect(await center.status()).toMatchObject({ pendingPush: 0, verification: { equal: true } });
});
