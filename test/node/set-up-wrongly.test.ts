import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runScript } from '../harness/child.ts';
import { openFaultProxy } from '../harness/fault-proxy.ts';
import { openServerHere } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { startCenter } from './center.ts';

const run = (dataDir: string, args: string[], input?: string) =>
  runScript('local-node/main.ts', args, {
    env: { DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' },
    ...(input !== undefined && { input }),
  });

test('setup says what is wrong in one line, and keeps nothing of it', async () => {
  await using server = await openServerHere();
  await server.addCenter('LAG-1');
  await using folder = await tempFolder();
  const setup = (...args: string[]) => run(folder.path, ['setup', '--center', 'LAG-1', ...args]);

  const refused = await setup('--server', server.url, '--secret', 'wrong');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toBe('cbt-node: the server refuses this secret for center LAG-1\n');

  await using line = await openFaultProxy(server.url);
  await line.down();
  const dead = await setup('--server', line.url, '--secret', 'x');
  expect(dead).toMatchObject({
    code: 1,
    stderr: `cbt-node: ${new URL(line.url).host} does not answer (ECONNREFUSED)\n`,
  });

  const other = createHttpServer((_, response) => response.writeHead(404).end('<h1>Not here</h1>'));
  await once(other.listen(0, '127.0.0.1'), 'listening');
  const otherUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  expect(await setup('--server', otherUrl, '--secret', 'x')).toMatchObject({
    code: 1,
    stderr: `cbt-node: there is no CBT Sync server at ${otherUrl}\n`,
  });
  other.removeAllListeners('request').on('request', (_, response) => response.end('<h1>Welcome</h1>'));
  expect((await setup('--server', otherUrl, '--secret', 'x')).stderr).toBe(
    `cbt-node: there is no CBT Sync server at ${otherUrl}\n`,
  );
  other.close();

  const nonsense = await setup('--server', 'ftp://x', '--secret', 'x');
  expect(nonsense).toMatchObject({ code: 1, stderr: 'cbt-node: server is not an http or https address\n' });

  expect((await setup('--secret', 'x')).code).toBe(2);
  expect((await run(folder.path, ['frobnicate'])).code).toBe(2);
  expect((await run(folder.path, ['--help'])).code).toBe(0);

  const started = await run(folder.path, ['start']);
  expect(started).toMatchObject({ code: 1 });
  expect(started.stderr).toBe(`cbt-node: ${folder.path} is not set up yet: run "cbt-node setup" first\n`);
});

test('the secret comes from a file or from standard input, and is readable by its owner only', async () => {
  await using server = await openServerHere();
  const { secret } = await server.addCenter('LAG-1');
  await using folder = await tempFolder();
  const args = ['setup', '--server', `${server.url}/`, '--center', 'LAG-1'];
  const secretFile = join(folder.path, 'secret');
  await writeFile(secretFile, `${secret}\n`);

  expect((await run(folder.path, [...args, '--secret-file', secretFile])).output).toBe(
    `center LAG-1 is set up: ${join(folder.path, 'node.json')}\n`,
  );
  expect((await run(folder.path, args, `${secret}\n`)).code).toBe(0);
  const file = join(folder.path, 'node.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
    server: server.url,
    centerId: 'LAG-1',
    secret,
  });

  const other = await run(folder.path, [
    'setup',
    '--server',
    server.url,
    '--center',
    'LAG-10',
    '--secret',
    'x',
  ]);
  expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('belongs to center LAG-1;') });
});

test('a secret that was replaced online is named, and does not stop the node', async () => {
  await using server = await openServerHere();
  const { secret } = await server.addCenter('LAG-1');
  await using folder = await tempFolder();
  await run(folder.path, ['setup', '--server', server.url, '--center', 'LAG-1', '--secret', secret]);
  await server.api.request('POST', '/api/centers/LAG-1/secret');
  const refused = await run(folder.path, ['replicate']);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('run "cbt-node setup" again') });
});

test('a taken port, and a folder in use or damaged, are one clear line each', async () => {
  await using center = await startCenter();
  const { dataDir } = center.node;
  const folderTaken = await run(dataDir, ['start']);
  expect(folderTaken).toMatchObject({ code: 1, stdout: '' });
  expect(folderTaken.stderr).toBe(`cbt-node: DATA_DIR ${dataDir} is in use by another process\n`);

  const { port } = new URL(center.line.url);
  await center.node.stop();
  for (const store of ['state', 'exam', 'couch/replica']) {
    const current = join(dataDir, store, 'CURRENT');
    const sound = await readFile(current, 'utf8');
    await writeFile(current, '');
    const damaged = await run(dataDir, ['start']);
    expect(damaged.stderr).toMatch(/^cbt-node: DATA_DIR .* cannot be opened: Corruption: .*\n$/);
    await writeFile(current, sound);
  }
  const portTaken = await runScript('local-node/main.ts', ['start'], {
    env: { DATA_DIR: dataDir, PORT: port, LOG_LEVEL: 'warn' },
  });
  expect(portTaken).toMatchObject({ code: 1, stdout: '' });
  expect(portTaken.stderr).toBe(`cbt-node: port ${port} is taken by another process\n`);

  const misconfigured = await runScript('local-node/main.ts', ['start'], {
    env: { PORT: 'x', LOG_LEVEL: 'loud' },
  });
  expect(misconfigured.code).toBe(1);
  expect(misconfigured.stderr).toMatch(/^cbt-node: configuration: PORT .*; LOG_LEVEL .*\n$/);
});
