import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'vitest';
import { bytesOf } from '../../replication/package/bytes.ts';
import { announceRunning } from '../../replication/running.ts';
import { runScript, startScript } from '../harness/child.ts';
import type { RunningServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';
import { CENTER, openPackages, succeed, test } from './world.ts';

async function packageActs(server: RunningServer): Promise<unknown[]> {
  const { entries } = await server.api.request<{ entries: { action: string }[] }>('GET', '/api/audit');
  return entries.filter(({ action }) => action.startsWith('package.'));
}

test('where the receipts cannot be put, nothing is imported', async ({ server, node, folder, packages }) => {
  const results = await packages.save(await packages.up());
  const put = async (out: string) => {
    const { code, stderr } = await server.command('package', 'import', CENTER, results, '--out', out);
    expect([code, stderr.split('\n').length]).toEqual([1, 2]);
    return stderr;
  };
  const missing = join(folder.path, 'no-folder', 'receipts.cbtpkg');
  expect(await put(missing)).toBe(`cbt-server: ${missing} cannot be written: there is no such folder\n`);
  expect(await put(folder.path)).toContain('is not a file');
  // Root would put a file in the place of the device.
  expect(await put('/dev/null')).toContain('/dev/null is not a file');
  expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  expect(await packageActs(server)).toEqual([]);

  const made = await node.command('package', 'create', '--out', missing);
  expect(made).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no such folder') });
});

test('a package takes the place of the file that a link leads to', async ({ server, node: _, folder }) => {
  const [file, link] = [join(folder.path, 'down.cbtpkg'), join(folder.path, 'link')];
  await writeFile(file, 'an older one');
  await symlink(file, link);
  await succeed(server.command('package', 'create', CENTER, '--out', link));
  expect(await readFile(file, 'utf8')).toMatch(/^cbtpkg\/1 /);
  expect((await readdir(folder.path)).sort()).toEqual(['down.cbtpkg', 'link']);
});

test('a command that is interrupted half-way leaves no half file', async () => {
  await using dataDir = await tempFolder();
  await using folder = await tempFolder();
  const asked = Promise.withResolvers<ServerResponse>();
  const slow = createServer(({ url }, response) => {
    if (url === '/health/live') return response.end();
    response.write('cbtpkg/1 the beginning');
    asked.resolve(response);
  }).listen(0, '127.0.0.1');
  await once(slow, 'listening');
  const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
  await using _ = await announceRunning(dataDir.path, { url, token: 'a token' });

  const out = join(folder.path, 'down.cbtpkg');
  const command = startScript('server/main.ts', ['package', 'create', CENTER, '--out', out], {
    env: { DATA_DIR: dataDir.path },
  });
  await asked.promise;
  await until(async () => (await readdir(folder.path)).length > 0, { what: 'it is being written' });
  expect(await command.stop('SIGINT')).toMatchObject({
    code: 1,
    stderr: 'cbt-server: interrupted: nothing was saved\n',
  });
  expect(await readdir(folder.path)).toEqual([]);
  slow.closeAllConnections();
  slow.close();
});

test('what is no file to be read is named', async ({ server, node, folder }) => {
  const [sub, missing] = [join(folder.path, 'a-folder'), join(folder.path, 'missing')];
  await mkdir(sub);
  for (const [path, reason] of [
    [sub, 'it is a folder'],
    [missing, 'there is no such file'],
  ] as const) {
    const expected = { code: 1, stderr: expect.stringContaining(`${path}: ${reason}\n`) };
    expect(await server.command('package', 'import', CENTER, path)).toMatchObject(expected);
    expect(await node.command('package', 'import', path)).toMatchObject(expected);
    expect(await node.command('package', 'import', '--verify', path)).toMatchObject(expected);
  }
});

test('a large file that is no package is refused before it is copied, also where no server runs', async ({
  server,
  node,
  folder,
}) => {
  const packages = openPackages(server, node, folder);
  // More than a connection holds: the answer comes while it is being sent.
  const file = await packages.save(bytesOf(randomBytes(64 << 20)));
  const expected = { code: 1, stderr: expect.stringContaining('the file is not a package\n') };
  await server.stop();
  const env = { DATA_DIR: server.dataDir, HOST: '127.0.0.1' };
  const alone = await runScript('server/main.ts', ['package', 'import', CENTER, file], { env });
  expect(alone).toMatchObject(expected);
  expect(await node.command('package', 'import', file)).toMatchObject(expected);
  await node.stop();
  expect(await node.command('package', 'import', file)).toMatchObject(expected);
});
