import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT, runScript, startScript } from '../harness/child.ts';
import { compareLeaves, scopeOf } from '../harness/leaves.ts';
import { tempFolder } from '../harness/temp-folder.ts';
import { until } from '../harness/until.ts';

const FREE_PORTS = ['--ports', '0,0,0'];
const spawnDemo = (folder: string) =>
  spawn(process.execPath, ['test/demo/main.ts', '--folder', folder, ...FREE_PORTS], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
const run = (folder: string, ...args: string[]) =>
  runScript('test/demo/main.ts', ['--folder', folder, ...args]);

describe('npm run demo', () => {
  test('tells the whole story, plainly in a pipe, and leaves nothing behind', async () => {
    await using folder = await tempFolder();
    const data = join(folder.path, 'demo');
    const exit = await run(data, '--once', ...FREE_PORTS);
    expect(exit.output).toContain('Hub and replicas hold exactly what they must.');
    expect(exit.code).toBe(0);
    expect(exit.output).not.toContain('\u001b');
    expect(exit.output).not.toContain('✗');
    expect(exit.stdout).toMatch(/KAT-1: first replica +\d+\.\d\d s {3}21 documents down, 0 up/);
    expect(exit.stdout).toMatch(/the line is down; 2 documents wait to go up/);
    expect(existsSync(data)).toBe(false);
  });

  test('a port that is taken is one clear line', async () => {
    await using folder = await tempFolder();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const exit = await run(join(folder.path, 'demo'), '--once', '--ports', `0,0,${port}`);
    taken.close();
    expect(exit.code).toBe(1);
    expect(exit.output).toMatch(new RegExp(`^demo: port ${port} is taken by another program: .+\n$`));
  });

  test('a folder left over is one clear line, and stays as it is', async () => {
    await using folder = await tempFolder();
    const data = join(folder.path, 'demo');
    await mkdir(join(data, 'server'), { recursive: true });
    const exit = await run(data, '--once', ...FREE_PORTS);
    expect(exit.code).toBe(1);
    expect(exit.output).toMatch(
      /^demo: \S+ is left over from an earlier demo that was killed: remove it .+\n$/,
    );
    expect(existsSync(join(data, 'server'))).toBe(true);
  });

  test.each(['1,2', '4100,4100,5101'])('wrong usage is exit code 2: ports %s', async (ports) => {
    expect((await run('nowhere', '--ports', ports)).code).toBe(2);
  });

  test.each(['SIGINT', 'SIGHUP'] as const)(
    '%s stops the processes and removes the folder',
    async (signal) => {
      await using folder = await tempFolder();
      const data = join(folder.path, 'demo');
      await using demo = startScript('test/demo/main.ts', ['--folder', data, ...FREE_PORTS]);
      const url = await until(() => /start the server .*(http:\S+),/.exec(demo.output)?.[1], {
        what: 'the demo’s server is up',
      });
      const exit = await demo.stop(signal);
      expect(exit.code).toBe(130);
      expect(existsSync(data)).toBe(false);
      await expect(fetch(url)).rejects.toThrow();
    },
  );

  test('Ctrl-C, which every process hears, ends it at once while the server starts', async () => {
    await using folder = await tempFolder();
    const data = join(folder.path, 'demo');
    const demo = spawnDemo(data);
    await once(demo.stdout, 'data');
    const interrupted = performance.now();
    process.kill(-(demo.pid as number), 'SIGINT');
    expect(await once(demo, 'close')).toEqual([130, null]);
    expect(performance.now() - interrupted).toBeLessThan(10_000);
    expect(existsSync(data)).toBe(false);
  });

  test('a reader that goes away, as head does, leaves neither processes nor the folder', async () => {
    await using folder = await tempFolder();
    const data = join(folder.path, 'demo');
    const demo = spawnDemo(data);
    await once(demo.stdout, 'data');
    demo.stdout.destroy();
    expect(await once(demo, 'close')).toEqual([130, null]);
    expect(existsSync(data)).toBe(false);
  });
});

describe('the comparison behind the verdict', () => {
  const hub = new Map([
    ['common:subject:S', ['1-a']],
    ['center-L-1:result:R', ['1-b']],
    ['center-L-10:result:R', ['1-c']],
    ['test-T:test:T', ['1-d']],
    ['test-U:test:U', ['1-e']],
  ]);
  const expected = scopeOf(hub, 'L-1', ['T']);

  test('takes exactly the scope', () => {
    expect([...expected.keys()].sort()).toEqual(['center-L-1:result:R', 'common:subject:S', 'test-T:test:T']);
    expect(compareLeaves(expected, new Map(expected))).toBeUndefined();
  });

  test.each([
    [
      'a document that is missing',
      { 'test-T:test:T': undefined },
      { missing: ['test-T:test:T'], extra: [], other: [] },
    ],
    [
      'one that must not be there',
      { 'test-U:test:U': ['1-e'] },
      { missing: [], extra: ['test-U:test:U'], other: [] },
    ],
    ['another revision', { 'test-T:test:T': ['2-x'] }, { missing: [], extra: [], other: ['test-T:test:T'] }],
    [
      'one leaf more',
      { 'test-T:test:T': ['1-d', '1-x'] },
      { missing: [], extra: [], other: ['test-T:test:T'] },
    ],
  ])('finds %s', (_, change, difference) => {
    const replica = new Map(expected);
    for (const [id, revs] of Object.entries(change)) {
      if (revs) replica.set(id, revs);
      else replica.delete(id);
    }
    expect(compareLeaves(expected, replica)).toEqual(difference);
  });
});
