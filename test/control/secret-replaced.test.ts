import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openCredentials } from '../../server/control/credentials.ts';
import { openControlStore } from '../../server/control/store.ts';
import { type CenterAccess, centerAccess, type RunningServer, startServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';

const statusOf = async (url: string, authorization: string): Promise<number> =>
  (await fetch(url, { headers: { authorization } })).status;

/** The status of the center's own database with its credentials. */
const replicaStatus = (server: RunningServer, { centerId, authorization }: CenterAccess): Promise<number> =>
  statusOf(`${server.url}/replicas/${centerId}`, authorization);

describe('admin token', () => {
  test('is made once, readable by its owner only, named in the log, and survives a restart', async () => {
    await using folder = await tempFolder();
    const file = join(folder.path, 'admin-token');
    await using server = await startServer({ dataDir: folder.path, env: { LOG_LEVEL: 'info' } });
    const token = (await readFile(file, 'utf8')).trim();
    expect(token.length).toBeGreaterThanOrEqual(24);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder.path, 'running.json'))).mode & 0o777).toBe(0o600);
    expect(server.output).toContain(file);
    expect(server.output).not.toContain(token);
    await server.stop();
    await server.start();
    expect(server.adminToken).toBe(token);
    expect(await statusOf(`${server.url}/api/centers`, `Bearer ${token}`)).toBe(200);
  });

  test('from the environment wins, and is written nowhere but to running.json', async () => {
    await using server = await startServer({ env: { ADMIN_TOKEN: 'a-token-of-24-characters' } });
    expect(await statusOf(`${server.url}/api/centers`, 'Bearer a-token-of-24-characters')).toBe(200);
    await expect(stat(join(server.dataDir, 'admin-token'))).rejects.toThrow('ENOENT');
  });

  test.each(['', 'Bearer', 'Bearer wrong', 'Basic', 'Basic !', 'Basic YWRtaW4=', 'Digest x', 'bearer'])(
    'is needed: %j is refused',
    async (authorization) => {
      await using folder = await tempFolder();
      await using store = await openControlStore(folder.path);
      const credentials = await openCredentials(store, 'a-token-of-24-characters');
      expect(await credentials.verify(authorization)).toBeUndefined();
    },
  );
});

describe('secret of a center', () => {
  test('replaced: the old one is dead at once, also for a feed that waits', async () => {
    await using server = await startServer();
    const old = await server.addCenter('LAG-1');
    const other = await server.addCenter('LAG-10');
    expect(await replicaStatus(server, old)).toBe(200);
    const { update_seq } = (await (
      await fetch(`${server.url}/replicas/LAG-1`, { headers: { authorization: old.authorization } })
    ).json()) as { update_seq: string };
    const url = `${server.url}/replicas/LAG-1/_changes?feed=longpoll&heartbeat=60000&since=${update_seq}`;
    const waiting = await fetch(url, { headers: { authorization: old.authorization } });

    const { secret } = await server.api.request<{ secret: string }>('POST', '/api/centers/LAG-1/secret');
    await waiting.text().catch(() => 'broken off');
    expect(await replicaStatus(server, old)).toBe(401);
    expect(await replicaStatus(server, centerAccess(server.url, 'LAG-1', secret))).toBe(200);
    expect(await replicaStatus(server, other)).toBe(200);
    await server.kill();
    await server.start();
    expect(await replicaStatus(server, old)).toBe(401);
    expect(await replicaStatus(server, centerAccess(server.url, 'LAG-1', secret))).toBe(200);
  });

  test('opens its own replica and no API', async () => {
    await using server = await startServer();
    const { authorization } = await server.addCenter('LAG-1');
    await server.addCenter('LAG-10');
    expect(await statusOf(`${server.url}/replicas/LAG-10`, authorization)).toBe(403);
    for (const path of ['/api/centers', '/api/status', '/api/readiness', '/api/quarantine', '/couch/cbt']) {
      expect(await statusOf(server.url + path, authorization), path).toBe(401);
    }
  });

  test('is stored as a hash only', async () => {
    await using folder = await tempFolder();
    await using store = await openControlStore(folder.path);
    const credentials = await openCredentials(store, 'a-token-of-24-characters');
    const secret = await credentials.create('LAG-1');
    for await (const [, record] of store.space('credentials').entries()) {
      expect(JSON.stringify(record)).not.toContain(secret);
    }
    await expect(credentials.create('LAG-1')).rejects.toMatchObject({ code: 'conflict' });
    await expect(credentials.replace('LAG-10')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('replaced while it is being checked: the check does not bring it back', async () => {
    await using folder = await tempFolder();
    await using store = await openControlStore(folder.path);
    const storing = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    let puts = 0;
    const credentials = await openCredentials(
      {
        ...store,
        space(name) {
          const space = store.space<never>(name);
          const put = async (key: string, value: never): Promise<void> => {
            puts += 1;
            if (puts === 2) storing.resolve();
            if (puts === 2) await gate.promise;
            await space.put(key, value);
          };
          return { ...space, put } as never;
        },
      },
      'a-token-of-24-characters',
    );
    const basic = (secret: string) => `Basic ${Buffer.from(`LAG-1:${secret}`).toString('base64')}`;
    const old = await credentials.create('LAG-1');
    const replaced = credentials.replace('LAG-1');
    await storing.promise;
    const check = credentials.verify(basic(old));
    gate.resolve();
    const secret = await replaced;
    await check;
    expect(await credentials.verify(basic(old))).toBeUndefined();
    expect(await credentials.verify(basic(secret))).toEqual({ role: 'center', centerId: 'LAG-1' });
  });
});
