import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runScript } from '../harness/child.ts';
import { openFaultProxy } from '../harness/fault-proxy.ts';
import { startNode } from '../harness/node.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { CENTER, openPackages, succeed, test } from './world.ts';

test('a center that has no line is set up, filled and emptied by files alone', async ({
  server,
  center,
  folder,
}) => {
  await using line = await openFaultProxy(server.url);
  await line.down();
  await using data = await tempFolder();
  const [request, answer] = ['request', 'answer'].map((name) => join(folder.path, `${name}.json`)) as [
    string,
    string,
  ];
  const run = (args: string[], input?: string) =>
    runScript('local-node/main.ts', args, { env: { DATA_DIR: data.path }, ...(input ? { input } : {}) });
  const setup = ['setup', '--server', line.url, '--center', CENTER];
  expect((await run(setup, center.secret)).stderr).toContain('does not answer');
  expect(await succeed(run([...setup, '--offline', request], center.secret))).toContain('Take');
  expect(await readFile(request, 'utf8')).not.toContain('SECRET');
  expect(await succeed(server.command('center', 'register', CENTER, request, '--out', answer))).toContain(
    'take it to',
  );
  expect(await succeed(run(['register', answer]))).toContain('knows the server’s keys');

  const env = { HOST: '127.0.0.1' };
  await using node = await startNode({
    ...{ server: line.url, center, dataDir: data.path, isSetUp: true, env },
  });
  const packages = openPackages(server, node, folder);
  await packages.into(await packages.down());
  expect(await packages.difference()).toBeUndefined();
  const result = {
    _id: `center-${CENTER}:log:x.000001`,
    type: 'log',
    at: '2026-12-07T08:00:00.000Z',
    event: 'x',
  };
  await node.api.request('POST', '/couch/replica/_bulk_docs', { docs: [result] });
  await packages.into((await packages.arrive(await packages.up())).receipts);
  expect(await packages.status()).toMatchObject({ pendingPush: 0 });

  // A line that comes later goes on from there, with the same keys.
  await line.up();
  await node.replicate();
  expect(line.requests.filter((one) => /_node|since=0&/.test(one))).toEqual([]);
  expect(await packages.difference()).toBeUndefined();
});

test('keys are registered for the center they are of, and taken by the node they are for', async ({
  server,
  center,
  folder,
}) => {
  await server.addCenter('LAG-010');
  const [request, answer] = [join(folder.path, 'request.json'), join(folder.path, 'answer.json')];
  const setUp = async (dataDir: string) => {
    const args = ['setup', '--server', server.url, '--center', CENTER, '--offline', request];
    await succeed(
      runScript('local-node/main.ts', args, { env: { DATA_DIR: dataDir }, input: center.secret }),
    );
  };
  await using one = await tempFolder();
  await using other = await tempFolder();
  await setUp(one.path);
  const wrong = await server.command('center', 'register', 'LAG-010', request, '--out', answer);
  expect(wrong).toMatchObject({
    code: 1,
    stderr: `cbt-server: the keys are of a node of center ${CENTER}\n`,
  });
  await succeed(server.command('center', 'register', CENTER, request, '--out', answer));
  await setUp(other.path);
  const register = (file: string, dataDir: string) =>
    runScript('local-node/main.ts', ['register', file], { env: { DATA_DIR: dataDir } });
  expect(await register(answer, other.path)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is for another node'),
  });
  const forged = join(folder.path, 'forged.json');
  await writeFile(forged, '{"serverKey":{}}');
  expect((await register(forged, one.path)).stderr).toContain('is not an answer of the server');
  expect((await register(answer, one.path)).code).toBe(0);
});
