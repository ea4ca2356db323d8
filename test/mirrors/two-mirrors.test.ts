import { expect, test } from 'vitest';
import { startMongo } from '../harness/mongo.ts';
import { startServer } from '../harness/server.ts';
import { until } from '../harness/until.ts';
import {
  caughtUp,
  centerDocuments,
  contentOf,
  DATABASE,
  fromZero,
  mirrorStatus,
  openLastingHub,
  writeChanges,
} from './world.ts';

const LONG_MS = 240_000;
const SHORT_LEASE = { MIRROR_LEASE_SECONDS: '3' };

test(
  'two servers mirror into the same database by mistake: one writes, and the other follows when it is gone',
  async () => {
    await using mongo = await startMongo();
    await using hub = await openLastingHub();
    await hub.db.bulkDocs(centerDocuments() as never);
    const env = { ...hub.env, ...SHORT_LEASE, MONGODB_URI: mongo.uri(DATABASE) };
    await using one = await startServer({ env });
    await caughtUp(one);
    await using other = await startServer({ env });
    expect((await mirrorStatus(other)).state).toBe('waiting');
    await writeChanges(hub.db, 0, 500);
    await caughtUp(one);
    expect((await mirrorStatus(other)).mirrored).toBe(0);

    const written = writeChanges(hub.db, 500, 1000);
    await one.kill();
    await written;
    await caughtUp(other);
    expect((await mirrorStatus(other)).state).toBe('following');
    await one.start();
    await writeChanges(hub.db, 1500, 500);
    await caughtUp(other);
    expect(await contentOf(mongo, DATABASE)).toEqual(await fromZero(hub, mongo));
  },
  LONG_MS,
);

test(
  'a mirror that was stopped while it wrote does no harm when it goes on',
  async () => {
    await using mongo = await startMongo();
    await using hub = await openLastingHub();
    await hub.db.bulkDocs(centerDocuments() as never);
    const env = { ...hub.env, ...SHORT_LEASE, MONGODB_URI: mongo.uri(DATABASE) };
    await using one = await startServer({ env });
    await caughtUp(one);
    const written = writeChanges(hub.db, 0, 1000);
    await until(async () => (await mirrorStatus(one)).mirrored > 100, { what: 'it is at work' });
    // As a machine that sleeps: it neither works nor lets go.
    process.kill(one.pid, 'SIGSTOP');
    await written;
    await using other = await startServer({ env });
    await until(async () => (await mirrorStatus(other)).state === 'following', {
      what: 'the lease has run out',
      withinMs: 60_000,
    });
    await caughtUp(other);
    await writeChanges(hub.db, 1000, 500);
    process.kill(one.pid, 'SIGCONT');
    await writeChanges(hub.db, 1500, 500);
    await caughtUp(other);
    await until(async () => (await mirrorStatus(one)).state === 'waiting', {
      what: 'it has seen that it lost',
      withinMs: 60_000,
    });
    await caughtUp(other);
    expect(await contentOf(mongo, DATABASE)).toEqual(await fromZero(hub, mongo));
  },
  LONG_MS,
);
