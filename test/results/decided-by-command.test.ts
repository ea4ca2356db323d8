import { expect, test } from 'vitest';
import { runScript } from '../harness/child.ts';
import { startExam } from './exam.ts';
import { playNode } from './played-node.ts';

test('nodes and the quarantine are decided on by command, beside a running server and without one', async () => {
  const { server, center } = await startExam();
  await using _server = server;
  const run = (...args: string[]) =>
    runScript('server/main.ts', args, { env: { DATA_DIR: server.dataDir, LOG_LEVEL: 'silent' } });
  const node = playNode(center);
  await node.register();
  expect(await run('node', 'replace', 'L-1', node.instanceId)).toMatchObject({
    code: 0,
    stdout: `node ${node.instanceId} is replaced\n`,
  });
  await node.push(node.sheet(1), node.sheet(2));
  expect((await run('node', 'list', 'L-1')).stdout).toMatch(
    new RegExp(`^${node.instanceId} {2}replaced {2}`),
  );
  const listed = await run('quarantine', 'list', '--center', 'L-1');
  expect(listed.stdout).toContain(`node ${node.instanceId} was replaced (waiting)`);
  const keys = listed.stdout.split('\n').filter((line) => line.startsWith('L-1/'));
  expect(keys).toHaveLength(2);
  const [first, second] = keys as [string, string];
  expect(await run('quarantine', 'accept', first, '--note', 'sat in time')).toMatchObject({ code: 0 });
  expect(await run('quarantine', 'accept', first)).toMatchObject({
    code: 1,
    stderr: 'cbt-server: it was accepted already\n',
  });

  await server.stop();
  const returned = await run('quarantine', 'return', second, '--note', 'not ours');
  expect(returned.stdout).toBe(`returned: ${node.sheet(2)._id}\n`);
  const left = await run('quarantine', 'list', '--json');
  expect(JSON.parse(left.stdout)).toMatchObject([
    { key: first, state: 'accepted', note: 'sat in time' },
    { key: second, state: 'returned', note: 'not ours' },
  ]);
  expect((await run('quarantine', 'list', '--state', 'waiting')).stdout).toBe('nothing\n');
  expect((await run('node', 'take-back', 'L-1', node.instanceId)).stdout).toBe(
    `node ${node.instanceId} is taken back\n`,
  );
  expect(await run('node', 'take-back', 'L-1', node.instanceId)).toMatchObject({
    code: 0,
    stdout: `node ${node.instanceId} was not replaced\n`,
  });
  expect(await run('node', 'replace', 'L-1', 'nobody')).toMatchObject({
    code: 1,
    stderr: 'cbt-server: center L-1 has no node nobody\n',
  });
  expect(await run('quarantine', 'list', '--state', 'lost')).toMatchObject({ code: 2 });
});
