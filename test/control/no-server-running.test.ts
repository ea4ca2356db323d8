import { expect, test } from 'vitest';
import { type Exit, runScript } from '../harness/child.ts';
import { centerDocument, wholeTest } from '../harness/documents.ts';
import { centerAccess, startServer } from '../harness/server.ts';

const run = (dataDir: string, ...args: string[]): Promise<Exit> =>
  runScript('server/main.ts', args, { env: { DATA_DIR: dataDir } });

test.each([
  ['beside a running server', true],
  ['without one', false],
])('commands work %s', async (_where, running) => {
  await using server = await startServer();
  await server.importDocuments([centerDocument('LAG-1'), ...wholeTest('T1', 1), ...wholeTest('T2', 1)]);
  const { dataDir } = server;
  if (!running) await server.stop();

  expect(await run(dataDir, 'center', 'add', 'LAG-10')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^cbt-server: name: .*\n$/),
  });
  const added = await run(dataDir, 'center', 'add', 'LAG-10', '--name', 'Ten', '--seats', '50', '--json');
  expect(added).toMatchObject({ code: 0, stderr: '' });
  const { secret } = JSON.parse(added.stdout) as { secret: string };
  expect(await run(dataDir, 'center', 'add', 'LAG-10', '--name', 'Ten')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('LAG-10 exists'),
  });
  expect((await run(dataDir, 'center', 'add', 'LAG-1')).stdout).toMatch(/^secret: \S{32}$/m);

  const assigned = await run(dataDir, 'center', 'assign', 'LAG-10', 'T1', 'T2');
  expect(assigned).toMatchObject({
    code: 0,
    stdout: 'test T1 assigned to LAG-10\ntest T2 assigned to LAG-10\n',
  });
  const withdrawn = await run(dataDir, 'center', 'withdraw', 'LAG-10', 'T2');
  expect(withdrawn.stdout).toBe('test T2 withdrawn from LAG-10\n');
  expect(await run(dataDir, 'center', 'assign', 'LAG-10', 'T3')).toMatchObject({
    code: 1,
    stderr: 'cbt-server: there is no test T3\n',
  });
  const { stdout } = await run(dataDir, 'center', 'list');
  expect(stdout).toBe('LAG-1   secret  0 tests  Center LAG-1\nLAG-10  secret  1 test   Ten\n');
  const replaced = await run(dataDir, 'center', 'secret', 'LAG-10', '--json');
  const { secret: next } = JSON.parse(replaced.stdout) as { secret: string };

  if (!running) await server.start();
  for (const [candidate, status] of [
    [secret, 401],
    [next, 200],
  ] as const) {
    const { authorization } = centerAccess(server.url, 'LAG-10', candidate);
    const answer = await fetch(`${server.url}/replicas/LAG-10`, { headers: { authorization } });
    expect(answer.status).toBe(status);
  }
});

test('a server that was killed has left its address: commands see that it is gone', async () => {
  await using server = await startServer();
  await server.addCenter('LAG-1');
  await server.kill();
  expect(await run(server.dataDir, 'center', 'list')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('LAG-1'),
  });
});
