import { expect, test } from 'vitest';
import { until } from '../harness/until.ts';
import { CENTER, openCenter, startCenter } from './center.ts';
import { answers, subject } from './documents.ts';

test('a node starts, reads and writes without a line, and hands its work over when there is one', async () => {
  await using center = await startCenter([subject('MTH')]);
  await center.replicate();
  await center.node.stop();
  await center.line.down();
  await center.node.start();

  expect((await fetch(`${center.node.url}/health/ready`)).status).toBe(200);
  expect(await center.read('common:subject:MTH')).toMatchObject({ name: 'Subject MTH' });
  expect((await center.write(answers(CENTER, 'E1'))).status).toBe(201);

  const offline = await center.node.command('replicate');
  expect(offline.code).toBe(1);
  expect(offline.stderr).toMatch(/^cbt-node: .* does not answer \(ECONNREFUSED\)\n$/);
  expect(await center.status()).toMatchObject({
    line: 'down',
    pendingPush: 1,
    pendingPull: null,
    lastPullAt: expect.any(String),
    lastError: { code: 'unreachable', reason: expect.stringContaining('ECONNREFUSED') },
  });

  await center.line.up();
  expect((await center.node.command('replicate')).stdout).toBe('replicated: 1 pushed, 0 pulled\n');
  expect(await center.readOnline(`center-${CENTER}:answers:E1`)).toMatchObject({ type: 'answers' });
  expect(await center.status()).toMatchObject({ line: 'up', pendingPush: 0, lastError: null });
});

test('a node that was never online starts too', async () => {
  await using center = await startCenter();
  await center.node.stop();
  await center.line.down();
  await center.node.start();
  expect((await center.write(answers(CENTER, 'E1'))).status).toBe(201);
  expect(await center.status()).toMatchObject({ pendingPush: 1 });
});

test('in continuous mode the work goes up by itself when the line comes back', async () => {
  await using center = await openCenter();
  await center.line.down();
  await center.setMode('continuous');
  expect((await center.write(answers(CENTER, 'E1'))).status).toBe(201);
  await until(async () => (await center.status()).line === 'down', { what: 'the node notices' });
  await center.line.up();
  await until(() => center.readOnline(`center-${CENTER}:answers:E1`), { what: 'the answers are online' });
});

test('commands work without a running node', async () => {
  await using center = await startCenter([subject('MTH')]);
  await center.node.stop();
  expect((await center.node.command('replicate')).stdout).toMatch(/^replicated: 0 pushed, \d pulled\n$/);
  expect((await center.node.command('mode', 'batch', '--every', '7')).stdout).toBe(
    'mode: batch, every 7 minutes\n',
  );
  expect((await center.node.command('verify')).stdout).toMatch(/^equal: \d documents\n$/);
  const { stdout } = await center.node.command('status', '--json');
  expect(JSON.parse(stdout)).toMatchObject({ mode: 'batch', everyMinutes: 7 });
});
